"""One job from the input to the finished file."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from . import programs, timestamps
from .check import Contents, differences
from .commands import Shown, Task, encoding, joining, read_report, rendering
from .containers import container_of, copy_plan
from .encode import encoder_named, encoder_options
from .errors import RunError
from .job import Job, check_output, checked_calls, input_file, part_file, written_script
from .packets import loss, read_packets
from .probe import probe
from .progress import FrameCounter
from .run import Program, check_exit, complete, pipe_broke, stopping, wait_for


def restore(job: Job, tell: Callable[[str], None], count: Callable[[int, int], None]) -> None:
    """Restore the input into the output.

    Args:
        job: what to do.
        tell: takes one sentence that the user should read.
        count: takes frames done and frames in all.

    Raises:
        PipelineError: something given cannot be used; nothing is written.
        RunError: a program failed; nothing is left behind.

    """
    calls = checked_calls(job)
    check_output(job)
    encoder_named(job.encoder, programs.ffmpeg_encoders())
    container = container_of(job.output, job.encoder)
    encoder_options(job.encoder, job.crf, job.preset)
    with tempfile.TemporaryDirectory(prefix="vsrestore-") as folder, input_file(job, tell) as path:
        media, work = probe(path), Path(folder)
        source = Contents(media, read_packets(path))
        lost = loss(media, source.packets)
        plan = copy_plan(media, container, work)
        script = written_script(job, media, calls, work, whole=lost is None)
        task = Task(job, media, script, container, plan, work)
        with part_file(job.output) as part:
            for note in filter(None, [lost, *plan.notes]):
                tell(note)
            shown, durations = encode(task, part, tell, count)
            set_times(task, part, shown, durations)
            for difference in differences(source, part, plan, len(durations)):
                tell(difference)


def encode(
    task: Task, part: Path, tell: Callable[[str], None], count: Callable[[int, int], None]
) -> tuple[Shown, list[Fraction]]:
    """Run vspipe into ffmpeg; return what the first frame told and how long each frame is shown, in seconds.

    Raises:
        PipelineError: the script cannot be evaluated, its picture does not suit the encoder, or the disk is full.
        RunError: vspipe or ffmpeg failed.

    """
    running: list[Program] = []
    with stopping(running):
        counter = FrameCounter(count, tell)
        sender = Program(rendering(task), stdout=subprocess.PIPE, environment=programs.environment(), hear=counter)
        running.append(sender)
        shown = _first_frame(task, sender)
        taker = Program(encoding(task, shown, part), stdin=sender.stdout, environment=programs.environment())
        running.append(taker)
        sender.stdout.close()
        wait_for(lambda: False, running)
        _check_exits(sender, taker)
    if shown.mastering:
        tell("the HDR mastering data of the source are not passed on")
    durations = timestamps.read_durations(task.properties, shown.rate)
    count(len(durations), len(durations))
    return shown, durations


def set_times(task: Task, part: Path, shown: Shown, durations: list[Fraction]) -> None:
    """Give the frames in ``part`` their true times when they do not come at a constant rate."""
    if timestamps.is_constant(durations, shown.rate):
        return
    base = timestamps.fitting_time_base(task.media.picture.time_base)
    retimed, joined = part.with_suffix(".retimed"), part.with_suffix(".joined")
    try:
        timestamps.retime(part, retimed, task.container.muxer, durations, base)
        complete("ffmpeg", joining(task, shown, retimed, joined))
        joined.replace(part)
    finally:
        retimed.unlink(missing_ok=True)
        joined.unlink(missing_ok=True)


def _first_frame(task: Task, sender: Program) -> Shown:
    wait_for(task.report.exists, [sender])
    if not task.report.exists():
        check_exit("vspipe", sender)
        raise RunError(f"vspipe ended without a frame: {sender.words()}")
    return read_report(task.report)


def _check_exits(sender: Program, taker: Program) -> None:
    """Raise for whichever failed first: a taker that ends breaks the sender's pipe, so its words come first."""
    if pipe_broke(sender):
        wait_for(lambda: False, [taker])
    if taker.poll():
        check_exit("ffmpeg", taker)
    wait_for(lambda: False, [sender])
    check_exit("vspipe", sender)
