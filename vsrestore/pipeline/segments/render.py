"""Segments are rendered: one vspipe for all that follow each other, an ffmpeg for each.

The encoder of a segment knows nothing of the others, so each begins with a key frame and refers to no other segment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from ..commands import Shown, Task
from ..errors import PipelineError, RunError
from ..further_options import sets_times
from ..job import shortened
from ..packets import read_packets
from ..progress import FrameCounter
from ..run import Program, stopping
from .cuts import Segment, runs_of
from .encode import Frames, encode
from .folder import Clip, JobFolder
from .sender import Sender
from .whole import unfinished_of

Tell = Callable[[str], None]
Count = Callable[[int, int], None]


@dataclass(frozen=True)
class Watch:
    """Whoever looks on while segments are rendered.

    Attributes:
        tell: takes one sentence that the user should read.
        count: takes frames done and frames in all.
        may_begin: tells whether a segment is still to be rendered; with the first that is not, the work ends.
        running: takes the programs at work, for whoever would end them.

    """

    tell: Tell
    count: Count = lambda done, total: None
    may_begin: Callable[[Segment], bool] = lambda segment: True
    running: list[Program] = field(default_factory=list)


def render_segments(folder: Path, numbers: range, watch: Watch, task: Task | None = None) -> None:
    """Render segments of a job into the job's folder, in any process on any machine that has its files.

    Those that are finished are left out; where several processes render one at once, the last one to finish stays, and
    it does not matter which that is.

    Args:
        folder: of the job, whose task and clip have been written there.
        numbers: of the segments.
        watch: looks on.
        task: with paths as they are here, None for those that are written there.

    Raises:
        PipelineError: there is no such job or segment, or something it needs is not here.
        RunError: a program failed.

    """
    job = JobFolder(folder)
    task, clip = task or job.task(), job.clip()
    if task is None or clip is None:
        raise PipelineError(f"{folder}: holds no job whose segments are known")
    if not 0 <= numbers.start < numbers.stop <= len(clip.segments):
        raise PipelineError(f"{folder}: has {len(clip.segments)} segments, not {numbers.start} to {numbers.stop - 1}")
    render_missing(task, clip, watch, clip.segments[numbers.start : numbers.stop])


def render_missing(task: Task, clip: Clip, watch: Watch, segments: Sequence[Segment]) -> None:
    """Render those of some segments that are not finished, all that follow each other by one program.

    Args:
        task: of the job.
        clip: what its script gives.
        watch: looks on; frames are counted among those of ``segments``.
        segments: of the clip.

    Raises:
        PipelineError: the script cannot be evaluated, its picture does not suit the encoder, or the disk is full.
        RunError: vspipe or ffmpeg failed.

    """
    folder, total = JobFolder(task.work), _frames(segments)
    missing = [segment for segment in segments if folder.record(segment) is None]
    done = total - _frames(missing)
    for run in runs_of(missing):
        if not watch.may_begin(run[0]):
            return
        _render_run(task, clip, run, replace(watch, count=_onward(watch.count, done, total)))
        done += _frames(run)
    watch.count(total, total)


def _render_run(task: Task, clip: Clip, segments: Sequence[Segment], watch: Watch) -> None:
    """Render segments that follow each other."""
    with stopping(watch.running):
        frames = range(segments[0].first, segments[-1].end)
        sender = Sender(task, frames, FrameCounter(watch.count, watch.tell))
        watch.running.append(sender.program)
        _take(task, clip.shown, sender, segments, watch)


def render_first(task: Task, cut: Callable[[Shown], Clip], watch: Watch) -> Clip:
    """Render the whole of a clip of which nothing is known yet, and write down what is known with its first frame.

    Args:
        task: of the job.
        cut: returns the segments of a clip.
        watch: looks on.

    Raises what :func:`render_missing` does.
    """
    with stopping(watch.running):
        sender = Sender(task, range(0), FrameCounter(watch.count, watch.tell))
        watch.running.append(sender.program)
        clip = cut(sender.shown())
        JobFolder(task.work).keep_clip(clip)
        _take(task, clip.shown, sender, clip.segments, watch)
    watch.count(clip.frames, clip.frames)
    return clip


@dataclass
class _Encoded:
    """A segment that is encoded, of whose frames vspipe has yet to tell how long they are shown."""

    segment: Segment
    file: Path
    seconds: float


def _take(task: Task, shown: Shown, sender: Sender, segments: Sequence[Segment], watch: Watch) -> None:
    """Encode what vspipe sends, segment by segment."""
    folder, waiting, header = JobFolder(task.work), list[_Encoded](), sender.header()
    try:
        for segment in segments:
            if not watch.may_begin(segment):
                break
            begun, file = time.monotonic(), unfinished_of(folder.picture(segment))
            encode(task, shown, Frames(sender, header, segment.frames), file, watch.running)
            if shortened(task.job):
                _finish_shortened(task, Clip(shown, (segment,)), file, sender)
                return
            waiting.append(_Encoded(segment, file, time.monotonic() - begun))
            _finish_known(folder, waiting, sender)
        else:
            sender.end()
    except (PipelineError, RunError):
        _finish_known(folder, waiting, sender)  # a vspipe that has failed has told all it knew
        raise
    for one in waiting:
        _finish(folder, one, sender.durations(one.segment.frames))


def _finish_known(folder: JobFolder, waiting: list[_Encoded], sender: Sender) -> None:
    """Finish the segments of whose frames vspipe has told how long they are shown."""
    while waiting and (durations := sender.times.take(waiting[0].segment.frames)) is not None:
        _finish(folder, waiting.pop(0), durations)


def _finish(folder: JobFolder, one: _Encoded, durations: Sequence[Fraction | None]) -> None:
    held = read_packets(one.file)[0].shown
    if held != one.segment.frames:
        raise RunError(f"segment {one.segment.number} has {one.segment.frames} frames, its file holds {held}")
    folder.finish(one.segment, one.file, one.seconds, durations)


def _finish_shortened(task: Task, clip: Clip, file: Path, sender: Sender) -> None:
    """Finish a job of one segment in which the user's own options have left out frames, or made more of them."""
    folder, segment = JobFolder(task.work), clip.segments[0]
    times = read_packets(file)[0].times()
    durations: list[Fraction | None] = [*(later - earlier for earlier, later in pairwise(times)), None]
    if not sets_times(task.job.ffmpeg_args):
        durations = sender.durations(len(times))
    segment = replace(segment, end=segment.first + len(times))
    folder.keep_clip(replace(clip, segments=(segment,)))
    folder.finish(segment, file, 0, durations)


def _frames(segments: Sequence[Segment]) -> int:
    return sum(segment.frames for segment in segments)


def _onward(count: Count, done: int, total: int) -> Count:
    """Return what counts the frames of a run of segments among all."""
    return lambda frames, _: count(done + frames, total)


def look(task: Task, cut: Callable[[Shown], Clip], tell: Tell, count: Count) -> Clip:
    """Render frame 0 alone, and write down what is known with it: the clip and its segments.

    Raises what :func:`render_missing` does.
    """
    clip = cut(first_shown(task, Watch(tell, lambda done, total: count(0, 0))))
    JobFolder(task.work).keep_clip(clip)
    return clip


def first_shown(task: Task, watch: Watch) -> Shown:
    """Render frame 0 alone and return what it tells of the clip.

    Raises what :func:`render_missing` does.
    """
    with stopping(watch.running):
        sender = Sender(task, range(1), FrameCounter(watch.count, watch.tell))
        watch.running.append(sender.program)
        return sender.shown()


def trial_run(task: Task, clip: Clip, segment: Segment, running: list[Program]) -> Path:
    """Render a segment into a file that is no part of the job, and return it.

    Raises what :func:`render_missing` does.
    """
    file = unfinished_of(task.work / "trial.mkv")
    hear = FrameCounter(lambda done, total: None, lambda note: None)
    with stopping(running):
        sender = Sender(task, range(segment.first, segment.end), hear)
        running.append(sender.program)
        encode(task, clip.shown, Frames(sender, sender.header(), segment.frames), file, running)
    return file
