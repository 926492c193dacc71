"""The test sets of the papers: their clips, their folders, and which figures papers give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import EvaluationError
from .noise import NOISE

Channel = Literal["RGB", "Y"]

IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """How papers use a test set."""

    inputs: tuple[str, ...]
    """Names of its low-quality versions, the usual one first."""
    channel: Channel
    """What papers measure on."""
    clips: int | None
    """How many clips the published means are of; None where papers differ."""
    names: tuple[str, ...] = ()
    """The clips of the test set where the folder may hold others too; none: all folders."""
    truth: str = ""
    """The folder inside a clip's own that may hold its true frames."""
    low: str = ""
    """The folder inside a clip's own that may hold its low-quality frames."""
    middle: bool = False
    """Whether only the middle frame of a clip counts."""


DATASETS = {
    "vid4": Dataset(inputs=("BIx4", "BDx4"), channel="Y", clips=4),
    "reds4": Dataset(
        inputs=("BIx4", "blur_bicubic", "blur", "blur_comp"),
        channel="RGB",
        clips=4,
        names=("000", "011", "015", "020"),  # of the training set, kept apart for testing
    ),
    "udm10": Dataset(inputs=("BDx4", "BIx4"), channel="Y", clips=10, truth="truth", low="blur4"),
    "gopro": Dataset(inputs=("blur",), channel="RGB", clips=11, truth="sharp", low="blur"),
    "vimeo90k": Dataset(inputs=("BIx4", "BDx4"), channel="Y", clips=None, middle=True),
    "dvd": Dataset(
        inputs=("blur",),
        channel="RGB",
        clips=10,
        names=(  # of all 71 videos, kept apart for testing
            "720p_240fps_2",
            *(f"IMG_{number:04}" for number in (3, 21, 30, 31, 32, 33, 37, 39, 49)),
        ),
        truth="GT",
        low="input",
    ),
    "bsd": Dataset(
        inputs=("1ms8ms", "2ms16ms", "3ms24ms"),  # how long the sharp and the blurred camera expose
        channel="RGB",
        clips=20,
        truth="Sharp/RGB",
        low="Blur/RGB",
    ),
    "davis": Dataset(inputs=tuple(NOISE), channel="RGB", clips=30),
    "set8": Dataset(inputs=tuple(NOISE), channel="RGB", clips=8),
    "vhs": Dataset(inputs=("synthetic",), channel="RGB", clips=None),  # of TAPE: truth and tape in folders of their own
}


def clip_names(dataset: Dataset, truth: Path, listed: Path | None) -> list[str]:
    """Return the clips to measure: those of a list, else the test set's own, else all folders not hidden, sorted.

    Args:
        dataset: the test set.
        truth: folder with a folder for each clip.
        listed: text file with a clip at the start of each line, such as the list of test clips of Vimeo-90K.

    Raises:
        EvaluationError: no such list, or nothing in it or in the folder.

    """
    if listed is not None:
        names = [line.split()[0] for line in listed.read_text().splitlines() if line.strip()]
        where = str(listed)
    else:
        folders = (path.name for path in truth.iterdir() if path.is_dir() and not path.name.startswith("."))
        names = list(dataset.names) or sorted(folders)
        where = str(truth)
    if not names:
        raise EvaluationError(f"{where} names no clips; a folder for each clip, or a clip on each line, is needed")
    return names


def frame_paths(root: Path, clip: str, inside: str) -> list[Path]:
    """Return the frames of a clip in order: the images of ``root/clip/inside``, or where that is not, of ``root/clip``.

    Raises:
        EvaluationError: no images there.

    """
    folder = root / clip
    if inside and (folder / inside).is_dir():
        folder = folder / inside
    paths = images(folder)
    if not paths:
        raise EvaluationError(f"{folder} holds no frames; images ({', '.join(sorted(IMAGES))}) are needed")
    return paths


def images(folder: Path) -> list[Path]:
    """Return the images of a folder by name; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGES)
