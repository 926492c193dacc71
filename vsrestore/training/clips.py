"""The clips to train on: shots of an index, decoded once, or all videos of a folder, decoded where samples need it."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vsrestore import ffmpeg
from vsrestore.interrupts import check
from vsrestore.training.errors import DataError
from vsrestore.training.videos import Video

Pictures = NDArray[np.uint8]
"""(T, H, W, 3) RGB."""
INDEX = "index.csv"
RUN = 96  # frames; a video is used as runs of about so many, each a shot of its own
ENDINGS = frozenset(
    (
        *(".264", ".265", ".avi", ".dv", ".flv", ".h264", ".hevc", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov"),
        *(".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
    )
)
"""Of the files in a folder without an index that are taken for videos."""


class Shot(Protocol):
    """Frames that samples are cut from."""

    @property
    def name(self) -> str:
        """The file, and where in it a later run begins."""

    @property
    def origin(self) -> str:
        """What shots of the same recording have in common."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""

    @property
    def has_cuts(self) -> bool:
        """Whether cuts may lie inside."""

    def __len__(self) -> int:
        """Count of frames."""

    def read(self, positions: NDArray[np.intp]) -> Pictures:
        """Return the frames of these numbers, in any order."""


@dataclass(frozen=True)
class DecodedShot:
    """A shot in memory: its file name, its origin, and its frames, (T, H, W, 3) uint8."""

    name: str
    origin: str
    frames: Pictures
    has_cuts = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.frames.shape[1], self.frames.shape[2]

    def __len__(self) -> int:
        """Count of frames."""
        return len(self.frames)

    def read(self, positions: NDArray[np.intp]) -> Pictures:
        """Return the frames of these numbers, in any order."""
        return self.frames[positions]


@dataclass(frozen=True)
class VideoRun:
    """A run of a video's frames, which stay in the file."""

    video: Video
    first: int
    count: int
    has_cuts = True

    @property
    def name(self) -> str:
        """The file, and where in it a later run begins."""
        return f"{self.origin} from frame {self.first}" if self.first else self.origin

    @property
    def origin(self) -> str:
        """The file."""
        return self.video.path.name

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.video.height, self.video.width

    def __len__(self) -> int:
        """Count of frames."""
        return self.count

    def read(self, positions: NDArray[np.intp]) -> Pictures:
        """Return the frames of these numbers, in any order.

        Raises:
            DataError: the video cannot be decoded there.
        """
        return self.video.read(self.first + positions)


def read_shots(clips: Path, licence_classes: Sequence[str]) -> list[Shot]:
    """Return every shot of ``clips``/index.csv whose licence class is among those given, else all videos there.

    Raises:
        DataError: there is no such folder or shot, or one cannot be decoded.
    """
    if not clips.is_dir():
        raise DataError(f"{clips}: is no folder; give the folder of the training clips with --clips")
    if (clips / INDEX).is_file():
        return _listed(clips / INDEX, licence_classes)
    paths = sorted(path for path in clips.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    if not paths:
        raise DataError(f"{clips}: holds no video; give the folder of the training clips with --clips")
    return [run for path in paths for run in runs(Video.open(path))]


def runs(video: Video) -> list[VideoRun]:
    """Divide a video into runs of about `RUN` frames, so that long ones count for more and none is read as a whole."""
    parts = max(len(video.times) // RUN, 1)
    bounds = np.linspace(0, len(video.times), parts + 1).astype(int).tolist()
    return [VideoRun(video, first, end - first) for first, end in pairwise(bounds)]


def _listed(index: Path, licence_classes: Sequence[str]) -> list[Shot]:
    try:
        with index.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["licence_class"] in licence_classes]
        places = [(row["file"], row["origin"], int(row["w"]), int(row["h"])) for row in rows]
    except KeyError as error:
        raise DataError(f"{index}: has no column {error.args[0]!r}") from error
    except ValueError as error:
        raise DataError(f"{index}: {error}") from error
    if not places:
        raise DataError(f"{index}: lists no shot of the licence classes {', '.join(licence_classes)}")
    return [DecodedShot(name, origin, decode(index.parent / name, w, h)) for name, origin, w, h in places]


def decode(path: Path, width: int, height: int) -> Pictures:
    """Decode a clip to RGB frames, (T, height, width, 3).

    Raises:
        DataError: ffmpeg cannot read it, or it gives no frame.
    """
    command = [ffmpeg.program(), "-v", "error", "-nostdin", *ffmpeg.input_options(path)]
    command += ["-vf", f"scale={width}:{height}:flags=bicubic", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    check()
    frames = np.frombuffer(done.stdout, dtype=np.uint8)
    if done.returncode or not frames.size:
        raise DataError(f"{path}: cannot be decoded: {done.stderr.decode(errors='replace').strip()[-200:]}")
    return frames.reshape(-1, height, width, 3)


def split(shots: Sequence[Shot], held_out: Sequence[str]) -> tuple[list[Shot], list[Shot]]:
    """Divide shots into those to train on and those held out by file name; an origin is never on both sides.

    Videos without an index are nobody's selection: where none of the names is there, the last of several is held out.

    Raises:
        DataError: a file to hold out is not there, or nothing is left to train on.
    """
    names = list(dict.fromkeys(shot.origin if shot.has_cuts else shot.name for shot in shots))
    if all(shot.has_cuts for shot in shots):
        held_out = [name for name in held_out if name in names] or names[1:][-1:]
    missing = set(held_out) - set(names)
    if missing:
        raise DataError(f"{sorted(missing)[0]} is to be held out but is not among the shots")
    origins = {shot.origin for shot in shots if shot.name in held_out}
    train = [shot for shot in shots if shot.origin not in origins]
    if not train:
        raise DataError("all shots are held out; nothing is left to train on")
    return train, [shot for shot in shots if shot.name in held_out]


def check_sizes(shots: Sequence[Shot], crop: int) -> None:
    """Make sure that a crop of so many pixels fits into every shot.

    Raises:
        DataError: it does not; names the shot.
    """
    for shot in shots:
        height, width = shot.size
        if min(height, width) < crop:
            raise DataError(f"{shot.name}: {width}x{height} px is smaller than the crop of {crop} px")
