"""What is to be restored and how, and whether that can be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import programs
from .errors import PipelineError
from .probe import Media
from .script import FilterCall, parse_filter, resolved, script_text
from .source import fetch, is_url


@dataclass(frozen=True)
class Job:
    """A wish of the user.

    Attributes:
        input: path or URL.
        output: path of the restored file; its ending chooses the container.
        filters: calls as :func:`vsrestore.pipeline.script.parse_filter` reads them.
        script: instead of filters, a script that finds the input as ``source`` and sets output 0.
        defaults: arguments for every filter that takes them (device, precision).
        encoder: key of :data:`vsrestore.pipeline.encode.ENCODERS`.
        crf: quality number, None for the encoder's default.
        preset: speed, None for the encoder's default.
        ffmpeg_args: further output options for ffmpeg.
        overwrite: whether an existing output may be replaced.
        quality: yt-dlp's format choice.

    """

    input: str
    output: Path
    filters: tuple[str, ...] = ()
    script: Path | None = None
    defaults: dict[str, object] = field(default_factory=dict)
    encoder: str = "x264"
    crf: float | None = None
    preset: str | None = None
    ffmpeg_args: tuple[str, ...] = ()
    overwrite: bool = False
    quality: str | None = None


def checked_calls(job: Job) -> list[FilterCall]:
    """Return the job's filter calls.

    Raises:
        PipelineError: neither or both of filters and script, a filter or an argument that does not exist, no script.

    """
    if bool(job.filters) == (job.script is not None):
        raise PipelineError("what should be done? give either --filter (repeatable) or --script")
    if job.script is not None and not job.script.is_file():
        raise PipelineError(f"--script {job.script}: no such file")
    if job.script is not None and job.defaults:
        raise PipelineError(f"--{next(iter(job.defaults))} goes with --filter; a script sets it itself")
    return [resolved(parse_filter(text), job.defaults) for text in job.filters]


def check_output(job: Job) -> None:
    """Raise ``PipelineError`` when the output may not be written."""
    output = job.output
    if output.is_dir():
        raise PipelineError(f"{output}: is a folder; name a file")
    if not output.parent.is_dir():
        raise PipelineError(f"{output.parent}: no such folder")
    if not output.exists():
        return
    if not is_url(job.input) and Path(job.input).exists() and output.samefile(job.input):
        raise PipelineError(f"{output}: is the input itself; choose another output")
    if not job.overwrite:
        raise PipelineError(f"{output}: exists; --overwrite replaces it")


@contextmanager
def input_file(job: Job, tell: Callable[[str], None]) -> Iterator[Path]:
    """Give the path of the input; what was fetched for it is gone afterwards."""
    if not is_url(job.input):
        yield Path(job.input).absolute()
        return
    with tempfile.TemporaryDirectory(dir=programs.cache_folder("downloads")) as folder:
        tell(f"fetching {job.input}")
        yield fetch(job.input, job.quality, Path(folder))


@contextmanager
def part_file(output: Path) -> Iterator[Path]:
    """Give an unfinished file beside the output that takes its name at the end, or vanishes with any exception.

    Raises:
        PipelineError: the folder may not be written to.

    """
    # Absolute, because ffmpeg takes what stands before a colon in a bare name for a protocol.
    part = output.absolute().with_name(f".{output.name}.{os.getpid()}.part")
    try:
        part.touch(exist_ok=False)
    except OSError as error:
        raise PipelineError(f"{output}: cannot be written ({error.strerror})") from None
    try:
        yield part
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def written_script(job: Job, media: Media, calls: list[FilterCall], folder: Path, *, whole: bool) -> Path:
    """Return the path of the job's script, written into ``folder`` unless it is the user's own.

    Args:
        job: the wish.
        media: its input.
        calls: its filter calls.
        folder: for the script.
        whole: False for an input whose end is missing.

    Raises:
        PipelineError: filters for an interlaced picture.

    """
    if job.script is not None:
        return job.script.absolute()
    if media.picture.interlaced:
        raise PipelineError(
            f"{media.path}: is interlaced; filters need whole frames: deinterlace it in a --script of your own, "
            "or clear a wrong flag there with std.SetFieldBased(0)"
        )
    script = folder / "restore.vpy"
    # The index of a fetched file is to go with it.
    index_folder = media.path.parent if is_url(job.input) else programs.cache_folder("index")
    script.write_text(text_for(media, calls, index_folder, whole=whole), encoding="utf-8")
    return script


def text_for(media: Media, calls: list[FilterCall], index_folder: Path, *, whole: bool) -> str:
    """Return the script that applies the calls to the picture of ``media``; the rest is as in ``script_text``."""
    track = None if media.picture.first else media.picture.index
    return script_text(media.path, calls, track, index_folder, whole=whole)
