"""``vsrestore script``: the script that ``restore`` would run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def script(
    input: Annotated[str, typer.Argument(help="video file", show_default=False)],
    filters: Annotated[
        list[str], typer.Option("--filter", help='filter to apply, e.g. film or "film(grain=0.3)"; repeatable')
    ],
    device: Annotated[str | None, typer.Option(help="device of the filters, e.g. cpu or cuda:0")] = None,
    precision: Annotated[str | None, typer.Option(help="precision of the filters")] = None,
) -> None:
    """Print the VapourSynth script that `restore` runs for these filters."""
    from vsrestore.pipeline.errors import PipelineError
    from vsrestore.pipeline.job import opening_for
    from vsrestore.pipeline.probe import probe
    from vsrestore.pipeline.programs import index_folder
    from vsrestore.pipeline.script import parse_filter, resolved, script_text
    from vsrestore.pipeline.source import is_url
    from vsrestore.pipeline.survey import survey

    if is_url(input):
        raise PipelineError(f"{input}: a script reads a file; fetch it first, e.g. with yt-dlp")
    given = {key: value for key, value in (("device", device), ("precision", precision)) if value is not None}
    calls = [resolved(parse_filter(text), given) for text in filters]
    media = probe(Path(input).absolute())
    print(script_text(opening_for(media, survey(media), index_folder(media.path)), calls), end="")
