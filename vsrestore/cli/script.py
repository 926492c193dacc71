"""``vsrestore script``: the script that ``restore`` would run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .progress import printable
from .recipes import RecipeName, Steps, Use, filters_of_recipe, recipe_of


def script(
    input: Annotated[str, typer.Argument(help="video file", show_default=False)],
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help='filter to apply, e.g. film or "film(grain=0.3)"; repeatable')
    ] = None,
    recipe: RecipeName = None,
    steps: Steps = None,
    use: Use = None,
    device: Annotated[str | None, typer.Option(help="device of the filters, e.g. cpu or cuda:0")] = None,
    precision: Annotated[str | None, typer.Option(help="precision of the filters")] = None,
) -> None:
    """Print the VapourSynth script that `restore` runs for these filters, or for a recipe."""
    from vsrestore.pipeline.errors import PipelineError
    from vsrestore.pipeline.job import fitting_calls, opening_for
    from vsrestore.pipeline.probe import probe
    from vsrestore.pipeline.programs import index_folder
    from vsrestore.pipeline.script import defaults_of, parse_filter, resolved, script_text
    from vsrestore.pipeline.source import is_url
    from vsrestore.pipeline.survey import survey

    if is_url(input):
        raise PipelineError(f"{input}: a script reads a file; fetch it first, e.g. with yt-dlp")
    defaults = defaults_of(device, precision)
    followed = recipe_of(recipe, steps, use)
    if bool(filters) == (followed is not None):
        raise PipelineError("what should be done? give either --filter (repeatable) or --recipe")
    texts = filters_of_recipe(followed, _tell) if followed else filters or ()
    media = probe(Path(input).absolute())
    findings = survey(media)
    calls = fitting_calls([resolved(parse_filter(text), defaults) for text in texts], media, findings, _tell)
    print(script_text(opening_for(media, findings, index_folder(media.path), calls), calls), end="")


def _tell(sentence: str) -> None:
    print(f"vsrestore: {printable(sentence)}", file=sys.stderr)
