"""Several files at once: which input becomes which output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .containers import CONTAINERS
from .errors import PipelineError
from .source import is_url

# What is taken out of a folder; a file that is named is tried whatever it is called.
ENDINGS = {
    *(".3gp", ".asf", ".avi", ".dv", ".f4v", ".flv", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".mxf", ".nut", ".ogv", ".rm", ".ts", ".vob", ".webm", ".wmv"),
}


def several(inputs: Sequence[str]) -> bool:
    """Tell whether inputs stand for more than one file, so that the output must be a folder."""
    return len(inputs) > 1 or Path(inputs[0]).is_dir()


def pairs(inputs: Sequence[str], folder: Path, encoder: str) -> list[tuple[str, Path]]:
    """Return each input file with its output.

    An output keeps the name of its input, and the ending where that is one of a container that takes the encoder's
    video; else it becomes .mkv, after the whole name where two would be called the same.

    Args:
        inputs: files, and folders for the videos in them.
        folder: of the outputs; it is made.
        encoder: key of ``ENCODERS``.

    Raises:
        PipelineError: no video is there, or the folder cannot be.

    """
    files = [file for text in inputs for file in _files(text)]
    if not files:
        raise PipelineError(
            f"{', '.join(inputs)}: no video is there; taken are files ending in {', '.join(sorted(ENDINGS))}"
        )
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise PipelineError(f"{folder}: for several inputs the output is a folder ({error.strerror})") from None
    outputs: dict[Path, str] = {}
    for file in files:
        path = Path(file)
        ending = path.suffix if _takes(path.suffix, encoder) else ".mkv"
        output = folder / f"{path.stem}{ending}"
        outputs[folder / f"{path.name}{ending}" if output in outputs else output] = file
    return [(file, output) for output, file in outputs.items()]


def _files(text: str) -> list[str]:
    if is_url(text):
        raise PipelineError(f"{text}: give a URL alone, with a file for its output")
    path = Path(text)
    if not path.is_dir():
        return [text]
    try:
        return sorted(str(file) for file in path.iterdir() if file.suffix.lower() in ENDINGS and file.is_file())
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read ({error.strerror})") from None


def _takes(ending: str, encoder: str) -> bool:
    row = CONTAINERS.get(ending.lower())
    return row is not None and encoder in row.encoders
