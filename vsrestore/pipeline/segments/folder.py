"""The folder of a job: what lies where in it, and what of it is finished.

Every file in it is written under another name and renamed when it is whole and on disk, so that the folder is the truth
about the job whoever reads it: the same command later, a worker on another machine, or ``vsrestore status``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

from ..commands import Shown, Task
from ..probe import Media
from ..script import Opening
from ..survey import Survey
from .cuts import Segment
from .records import plain, rebuilt
from .whole import read_json, settle, write_whole

SEGMENTS, FIRST_PASS = "segments", "first-pass"


@dataclass(frozen=True)
class Clip:
    """The clip that the job's script gives, and where it is cut.

    Attributes:
        shown: what its first frame tells.
        segments: in order, without a gap between them.

    """

    shown: Shown
    segments: tuple[Segment, ...]

    @property
    def frames(self) -> int:
        """How many frames are to be rendered."""
        return self.segments[-1].end - self.segments[0].first


@dataclass(frozen=True)
class Source:
    """What a source is and what reading it to its end showed."""

    media: Media
    survey: Survey

    def times(self) -> list[Fraction]:
        """Return when the frames of the picture are shown, rising, in seconds."""
        return self.survey.packets[self.media.picture.index].times()


@dataclass(frozen=True)
class Record:
    """A finished segment.

    Attributes:
        frames: how many it has.
        bytes: of its file.
        seconds: that its rendering took.
        durations: how long its frames are shown, as (frames, seconds of each); None where a frame does not say.

    """

    frames: int
    bytes: int
    seconds: float
    durations: tuple[tuple[int, Fraction | None], ...]

    def each(self) -> Iterator[Fraction | None]:
        """Yield how long each frame is shown."""
        for count, duration in self.durations:
            yield from [duration] * count


@dataclass(frozen=True)
class JobFolder:
    """The folder of one job."""

    path: Path

    def picture(self, segment: Segment) -> Path:
        """Return where the encoded picture of a segment lies when it is finished."""
        return self.path / SEGMENTS / f"{segment.number:06}.mkv"

    def record(self, segment: Segment) -> Record | None:
        """Return the record of a segment, None where it is not finished."""
        record = self._read(self._record(segment), Record)
        with suppress(OSError):
            if record and (record.frames, record.bytes) == (segment.frames, self.picture(segment).stat().st_size):
                return record
        return None

    def finish(self, segment: Segment, encoded: Path, seconds: float, durations: Sequence[Fraction | None]) -> None:
        """Make an encoded segment a finished one; where another process has finished it meanwhile, nothing is lost.

        Raises:
            OSError: it cannot be.

        """
        runs = tuple((len(list(run)), duration) for duration, run in groupby(durations))
        record = Record(segment.frames, encoded.stat().st_size, seconds, runs)
        settle(encoded, self.picture(segment))
        write_whole(self._record(segment), _text(record))

    def missing(self, clip: Clip) -> list[Segment]:
        """Return the segments that are not finished."""
        return [segment for segment in clip.segments if self.record(segment) is None]

    def task(self) -> Task | None:
        """Return the task, None before it is known."""
        return self._read(self.path / "task.json", Task)

    def keep_task(self, task: Task) -> None:
        """Write the task down, for whoever renders a segment of it."""
        write_whole(self.path / "task.json", _text(task))

    def clip(self) -> Clip | None:
        """Return the clip and its segments, None before they are known."""
        return self._read(self.path / "clip.json", Clip)

    def keep_clip(self, clip: Clip) -> None:
        """Write the clip down; its segments stay what they are to the end of the job."""
        (self.path / SEGMENTS).mkdir(exist_ok=True)
        write_whole(self.path / "clip.json", _text(clip))

    def opening(self) -> Opening | None:
        """Return how the script opens the source, None before it does."""
        return self._read(self.path / "opening.json", Opening)

    def keep_opening(self, opening: Opening) -> None:
        """Write down how the script opens the source."""
        write_whole(self.path / "opening.json", _text(opening))

    def identity(self) -> dict[str, str] | None:
        """Return what decides the picture, None where no job has begun."""
        return self._read(self.path / "job.json", dict[str, str])

    def keep_identity(self, identity: dict[str, str]) -> None:
        """Write down what decides the picture."""
        write_whole(self.path / "job.json", _text(identity))

    def source(self) -> Source | None:
        """Return what the source showed, None where it was not read to its end."""
        return self._read(self.path / "source.json", Source)

    def keep_source(self, source: Source) -> None:
        """Write down what the source showed: to read it again would take as long as to decode it."""
        write_whole(self.path / "source.json", _text(source))

    def joined(self, ending: str) -> Path:
        """Return where all segments lie in one file when they are joined; then they themselves are not needed."""
        return self.path / f"joined{ending}"

    def worth_keeping(self) -> bool:
        """Tell whether anything is finished in it."""
        return any(self.path.glob("joined.*")) or any((self.path / SEGMENTS).glob("*.json"))

    def remove_segments(self) -> None:
        """Remove the files of the segments."""
        for file in (self.path / SEGMENTS).glob("*"):
            file.unlink()

    def close(self) -> None:
        """Let go of everything, because the output is there."""
        self.remove_segments()
        for file in self.path.glob("joined.*"):
            file.unlink()

    def begin_anew(self) -> None:
        """Remove what was rendered, and what is known of the source."""
        for name in ("clip.json", "opening.json", "source.json", "job.json"):
            (self.path / name).unlink(missing_ok=True)
        for file in [*self.path.glob("joined.*"), *self.path.glob("*.bsindex")]:
            file.unlink()
        self.remove_segments()
        for name in ("fetched", FIRST_PASS):
            shutil.rmtree(self.path / name, ignore_errors=True)

    def render_anew(self) -> None:
        """Remove what was rendered, and what was measured for it."""
        (self.path / "clip.json").unlink(missing_ok=True)
        shutil.rmtree(self.path / FIRST_PASS, ignore_errors=True)
        self.remove_segments()

    def clear_unfinished(self) -> None:
        """Remove what processes that were killed have left; only for whoever holds the job."""
        for file in [*self.path.glob("*.unfinished*"), *(self.path / SEGMENTS).glob("*.unfinished*")]:
            file.unlink(missing_ok=True)

    def _record(self, segment: Segment) -> Path:
        return self.picture(segment).with_suffix(".json")

    def _read[Kind](self, path: Path, kind: type[Kind]) -> Kind | None:
        """Return what a file holds, None where it is missing or damaged: then it is made again."""
        try:
            value: Kind | None = rebuilt(kind, read_json(path))
        except (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError):
            return None
        return value


def _text(value: Any) -> str:
    return json.dumps(plain(value), indent=1)
