"""A dry run: what would be done, how long it would take and how much memory, measured on a few frames."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from . import programs
from .commands import Shown
from .containers import CopyPlan, container_of, copy_plan
from .encode import encoder_named, encoder_options
from .job import Job, checked_calls, fitting_calls
from .notes import source_notes
from .output import checked_output
from .restore import Cut, cut_of, prepared, rendered, source_of
from .segments.cuts import Segment, grid_of
from .segments.folder import Clip, JobFolder

Tell = Callable[[str], None]
FRAMES = 48  # that are rendered at least
KIBIBYTE = 1024


@dataclass(frozen=True)
class Estimate:
    """What a job would take.

    Attributes:
        frames: in all.
        segments: how many.
        seconds: that rendering and encoding would take.
        measured: frames it was measured on.
        memory: bytes that the largest program took, None where the system does not tell.
        size: bytes of the picture of the output.

    """

    frames: int
    segments: int
    seconds: float
    measured: int
    memory: int | None
    size: int


def dry_run(job: Job, tell: Tell, count: Callable[[int, int], None]) -> Estimate:
    """Check everything that :func:`vsrestore.pipeline.restore.restore` checks, and measure a few frames; nothing stays.

    Args:
        job: what would be done.
        tell: takes one sentence that the user should read.
        count: takes frames done and frames to be measured.

    Raises what ``restore`` does.
    """
    calls = checked_calls(job)
    checked_output(job.output, job.input, overwrite=job.overwrite)
    encoder_named(job.encoder, programs.ffmpeg_encoders())
    container = container_of(job.output, job.encoder)
    encoder_options(job.encoder, job.crf, job.preset)
    with TemporaryDirectory(prefix="vsrestore-") as name:
        folder = JobFolder(Path(name))
        source = source_of(folder, job, tell)
        # Whoever begins at a frame is told of the whole clip before any other is rendered.
        task = prepared(folder, replace(job, start=job.start or "0"), source)
        plan = copy_plan(source.media, source.survey, container, folder.path) if not job.preview else CopyPlan()
        for note in [*source_notes(task, source.survey), *plan.notes]:
            tell(note)
        calls = fitting_calls(calls, source.media, source.survey, tell)
        few = _Few(cut_of(job, calls, source.times()), 2 * grid_of(calls))
        clock = _Clock(count)
        clip = rendered(folder, task, calls, source.survey, few, tell, clock)
        record = folder.record(clip.segments[0])
        assert record is not None
        assert few.whole is not None
        frames = few.whole.frames
        share = frames / clip.frames
        segments = len(few.whole.segments)
        size = round(record.bytes * share)
        return Estimate(frames, segments, clock.seconds * share, clip.frames, _largest(), size)


class _Few:
    """Cuts as ``cut`` does, and takes the first frames alone."""

    def __init__(self, cut: Cut, wanted: int) -> None:
        self._cut, self._wanted = cut, max(FRAMES, wanted)
        self.whole: Clip | None = None

    def __call__(self, shown: Shown) -> Clip:
        self.whole = self._cut(shown)
        first = self.whole.segments[0].first
        return Clip(shown, (Segment(0, first, first + min(self._wanted, self.whole.frames)),))


class _Clock:
    """Measures how long frames take, from the moment in which the script is evaluated."""

    def __init__(self, count: Callable[[int, int], None]) -> None:
        self._count = count
        self._begun: float | None = None
        self.seconds = 0.0

    def __call__(self, done: int, total: int) -> None:
        self._begun = time.monotonic() if not done or self._begun is None else self._begun
        self.seconds = time.monotonic() - self._begun
        self._count(done, total)


def _largest() -> int | None:
    """Return the most bytes that a program which this one has started held at once, None where that is not told."""
    if sys.platform == "win32":
        return None
    import resource

    size = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return size if sys.platform == "darwin" else size * KIBIBYTE
