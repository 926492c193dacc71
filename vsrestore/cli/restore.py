"""``vsrestore restore``: from a file or URL to a restored file."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .progress import Bar
from .recipes import RecipeName, Steps, Use, filters_of_recipe, recipe_of

if TYPE_CHECKING:
    from vsrestore.pipeline.job import Job


def restore(
    input: Annotated[str, typer.Argument(help="video file or URL", show_default=False)],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="restored file: .mkv, .mp4, .m4v or .mov")
    ],
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help='filter to apply, e.g. film or "film(grain=0.3)"; repeatable')
    ] = None,
    recipe: RecipeName = None,
    steps: Steps = None,
    use: Use = None,
    script: Annotated[
        Path | None, typer.Option(help="script of your own: it finds the input as `source` and sets output 0")
    ] = None,
    encoder: Annotated[str, typer.Option(help="x264, x265, ffv1 or svt-av1")] = "x264",
    crf: Annotated[float | None, typer.Option(help="quality, lower is better; default by encoder")] = None,
    preset: Annotated[str | None, typer.Option(help="speed of the encoder")] = None,
    ffmpeg_args: Annotated[str, typer.Option(help="further output options for ffmpeg, in one string")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace an existing output")] = False,
    device: Annotated[str | None, typer.Option(help="device of the filters, e.g. cpu or cuda:0")] = None,
    precision: Annotated[str | None, typer.Option(help="precision of the filters")] = None,
    quality: Annotated[str | None, typer.Option(help="format choice for a URL, as yt-dlp's -f")] = None,
) -> None:
    """Restore a video; sound, subtitles, chapters and tags of the input are kept."""
    from vsrestore.pipeline.errors import PipelineError
    from vsrestore.pipeline.further_options import ffmpeg_words
    from vsrestore.pipeline.job import Job
    from vsrestore.pipeline.restore import restore as run

    followed = recipe_of(recipe, steps, use)
    if followed and filters:
        raise PipelineError("--filter and --recipe do not go together; a recipe's step takes another filter by --use")
    defaults = {key: value for key, value in (("device", device), ("precision", precision)) if value is not None}
    job = Job(
        input, Path(output), tuple(filters or ()), script, dict(defaults), encoder, crf, preset,
        ffmpeg_words(ffmpeg_args), overwrite, quality,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Bar() as bar:
            if followed:
                job = replace(job, filters=filters_of_recipe(followed, bar.tell))
            run(job, bar.tell, bar.count, bar.stage)
    except KeyboardInterrupt:
        print(f"vsrestore: cancelled; {_left(job)}", file=sys.stderr)
        raise typer.Exit(130) from None


def _left(job: Job) -> str:
    """Return what a cancelled run leaves."""
    from vsrestore.pipeline.segments.claim import folder_of

    folder = folder_of(job.output.resolve(), job.folder)
    return f"the same command goes on where it was (in {folder})" if folder.exists() else "nothing was written"


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
