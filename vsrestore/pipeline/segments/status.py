"""How far a job is: written down while it runs, and read by whoever asks."""

from __future__ import annotations

import json
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import PipelineError
from ..workplace import is_held
from .folder import JobFolder
from .records import plain, rebuilt
from .whole import read_json, unfinished_of

FILE = "progress.json"
EVERY = 2.0  # seconds between two notes
WINDOW = 30.0  # seconds that count as now


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Attributes:
        done: frames that are rendered.
        total: frames in all, 0 while that is not known.
        now: frames in a second lately, 0 while that is not known.
        average: frames in a second since this run began, 0 while that is not known.
        left: seconds to the end at the average speed, None while that is not known.
        segment: number of the segment at work, from 1; 0 while that is not known.
        segments: how many there are.
        folder: of the job.
        host: the machine that runs it.
        process: number of the command there.
        at: when this was written, in seconds since 1970.

    """

    done: int
    total: int
    now: float
    average: float
    left: float | None
    segment: int
    segments: int
    folder: str
    host: str
    process: int
    at: float


class Meter:
    """Reckons speeds, on a clock that nobody sets.

    Args:
        folder: of the job.
        clock: seconds that only rise.

    """

    def __init__(self, folder: JobFolder, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._lately: deque[tuple[float, int]] = deque()
        self._begun: tuple[float, int] | None = None
        self._ends: list[int] = []

    def count(self, done: int, total: int) -> JobProgress:
        """Return how far the job is when ``done`` of ``total`` frames are."""
        now = self._clock()
        self._begun = self._begun or (now, done)
        self._lately.append((now, done))
        while len(self._lately) > 1 and now - self._lately[0][0] > WINDOW:
            self._lately.popleft()
        average = _speed(self._begun, (now, done))
        left = (total - done) / average if average else None
        segment, segments = self._segment(done, total)
        place = (str(self._folder.path), socket.gethostname(), os.getpid(), time.time())
        return JobProgress(done, total, _speed(self._lately[0], (now, done)), average, left, segment, segments, *place)

    def _segment(self, done: int, total: int) -> tuple[int, int]:
        """Return which segment holds the next frame, and how many there are.

        Frames of segments that are rendered out of order count as those before them.
        """
        if not self._ends and total and (clip := self._folder.clip()) is not None:
            self._ends = [segment.end - clip.segments[0].first for segment in clip.segments]
        if not self._ends:
            return 0, 0
        return min(1 + sum(end <= done for end in self._ends), len(self._ends)), len(self._ends)


def noted(
    folder: JobFolder, count: Callable[[int, int], None], progress: Callable[[JobProgress], None]
) -> Callable[[int, int], None]:
    """Return what counts frames, tells ``count`` and ``progress``, and leaves a note in the folder now and then."""
    meter, last = Meter(folder), 0.0

    def counted(done: int, total: int) -> None:
        nonlocal last
        count(done, total)
        tally = meter.count(done, total)
        progress(tally)
        if time.monotonic() - last > EVERY or done == total:
            last = time.monotonic()
            with suppress(OSError):  # a full disk is told by what matters more
                unfinished = unfinished_of(folder.path / FILE)
                unfinished.write_text(json.dumps(plain(tally)), encoding="utf-8")
                unfinished.replace(folder.path / FILE)

    return counted


@dataclass(frozen=True)
class Status:
    """A job as its folder shows it.

    Attributes:
        running: whether a command holds it on this machine.
        finished: frames of finished segments.
        frames: in all, 0 while that is not known.
        segments: finished ones, and all.
        joined: whether all are finished, and one file.
        progress: the last note of the command that ran last, None where it left none.

    """

    running: bool
    finished: int
    frames: int
    segments: tuple[int, int]
    joined: bool
    progress: JobProgress | None


def status_of(path: Path) -> Status:
    """Return how far the job of a folder is.

    Raises:
        PipelineError: it is no job's.

    """
    folder = JobFolder(path)
    if folder.identity() is None:
        raise PipelineError(f"{path}: is no job folder; such are called OUTPUT.vsrestore, and go when the job is done")
    clip, joined = folder.clip(), any(path.glob("joined.*"))
    segments = clip.segments if clip else ()
    finished = [segment for segment in segments if joined or folder.record(segment) is not None]
    progress = None
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        progress = rebuilt(JobProgress, read_json(path / FILE))
    frames = clip.frames if clip else 0
    done = sum(segment.frames for segment in finished)
    return Status(is_held(path), done, frames, (len(finished), len(segments)), joined, progress)


def _speed(earlier: tuple[float, int], later: tuple[float, int]) -> float:
    seconds = later[0] - earlier[0]
    return (later[1] - earlier[1]) / seconds if seconds > 0 else 0.0
