"""One job from the input to the finished file."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from . import programs, timestamps
from .check import Contents, Difference, differences
from .commands import Shown, Task, encoding, joining, read_report, rendering
from .containers import Container, container_of, copy_plan
from .encode import encoder_named, encoder_options
from .errors import PipelineError, RunError
from .intermediate import decoded
from .job import Job, checked_calls, fitting_calls, input_file, opening_for, shortened
from .output import checked_output, keep, publish
from .packets import loss, read_packets
from .probe import Media, Picture, probe
from .progress import FrameCounter
from .run import FULL, Program, check_exit, complete, disk_full, last_words, pipe_broke, stopping, wait_for
from .script import FilterCall, Opening, script_text
from .source import is_url
from .survey import Survey, clock, survey, told
from .workplace import workplace

Tell = Callable[[str], None]
Count = Callable[[int, int], None]
# In the words of ffmpeg 6 and later, and of older ones, of which the first is for the first stream, the picture.
ENCODER_REFUSES = re.compile(r"vost#0:0.*while opening encoder|while opening encoder for output stream #0:0\b")
ONE_THREAD = "open it with bs.VideoSource(source, threads=1), which decodes it the same each time"
NO_INDEX, NO_FRAME = "Failed to write index", "No frame returned for frame number"
# Two outputs are hardly larger than so many times the source.
LIKELY_GROWTH = 4


def restore(job: Job, tell: Tell, count: Count, stage: Tell = lambda name: None) -> None:
    """Restore the input into the output.

    Args:
        job: what to do.
        tell: takes one sentence that the user should read.
        count: takes frames done and frames in all.
        stage: takes the name of what is done now, before there are frames to count.

    Raises:
        PipelineError: something given cannot be used; nothing is written.
        RunError: a program failed, or picture or sound is missing in what was made. An existing output stays; the
            message names the file, if there is one, that holds what was made.

    """
    calls = checked_calls(job)
    output = checked_output(job.output, job.input, overwrite=job.overwrite)
    encoder_named(job.encoder, programs.ffmpeg_encoders())
    container = container_of(job.output, job.encoder)
    encoder_options(job.encoder, job.crf, job.preset)
    with workplace(output) as work:
        stage("reading the source")
        media = probe(input_file(job, work, tell))
        seen = survey(media)
        task = prepared(job, media, seen, container, work)
        for note in [*source_notes(task, seen), *task.plan.notes]:
            tell(note)
        calls = fitting_calls(calls, media, seen, tell)
        stage("loading the filters")
        shown, durations, words = encode_with_times(task, calls, seen, tell, count)
        frames = len(durations) if shortened(job) else shown.frames
        found = differences(Contents(media, seen.packets), task.part, task.plan, frames, shown.factor)
        refuse_incomplete(task, found, words)
        for difference in found:
            tell(str(difference))
        publish(task.part, output, overwrite=job.overwrite)


def prepared(job: Job, media: Media, seen: Survey, container: Container, work: Path) -> Task:
    """Return the task of a job whose source is known; the script of its filters is yet to be written."""
    picture = replace(media.picture, start=seen.packets[media.picture.index].begins() - media.zero)
    media = replace(media, picture=picture)
    plan = copy_plan(media, seen, container, work)
    script = work / "restore.vpy" if job.script is None else job.script.absolute()
    return Task(job, media, script, container, plan, work)


def source_notes(task: Task, seen: Survey) -> list[str]:
    """Return a sentence for everything about the picture of the source that the user should know beforehand."""
    picture, notes = task.media.picture, [loss(task.media, seen.packets)]
    if damage := seen.damage.get(picture.index):
        rule = "what can be decoded is taken as it is, and in place of lost frames the one before them stays"
        notes.append(f"the picture is damaged at {told(damage)}: {rule if task.job.script is None else ONE_THREAD}")
    if seen.interlaced and not seen.fields:
        flagged = f"{seen.interlaced} of {seen.frames} frames, the first at {clock(seen.first_interlaced)}"
        notes.append(f"{flagged}, are flagged interlaced; filters take them for whole frames")
    if picture.alpha:
        notes.append("the picture has an alpha channel; it is not passed on")
    if cut := _cut_size(picture):
        notes.append(f"the picture is {picture.width}x{picture.height}; VapourSynth holds it as {cut[0]}x{cut[1]}")
    notes.append(_space_note(task, seen))
    return [note for note in notes if note]


def encode_with_times(
    task: Task, calls: list[FilterCall], seen: Survey, tell: Tell, count: Count
) -> tuple[Shown, list[Fraction], str]:
    """Encode what the job's filters or script give, and set the times of the frames.

    Returns and raises what :func:`encode` does; what was made so far is kept where the disk is full or no times can be
    set.
    """
    try:
        if task.job.script is None:
            shown, durations, words = encode_filters(task, calls, seen, tell, count)
        else:
            shown, durations, words = encode_script(task, tell, count)
    except PipelineError as error:
        raise (_kept(error, task) if FULL in str(error) and _readable(task.part) else error) from None
    try:
        set_times(task, shown, durations)
    except (PipelineError, RunError) as error:
        raise _kept(error, task) from None
    return shown, durations, words


def encode_filters(
    task: Task, calls: list[FilterCall], seen: Survey, tell: Tell, count: Count
) -> tuple[Shown, list[Fraction], str]:
    """Write the script of the task's filters and encode; where BestSource cannot open the source so, open it otherwise.

    Returns and raises what :func:`encode` does.
    """
    folder = task.work if is_url(task.job.input) else programs.index_folder(task.media.path)
    opening: Opening | None = opening_for(task.media, seen, folder, calls)
    while opening is not None:
        task.script.write_text(script_text(opening, calls), encoding="utf-8")
        try:
            return encode(task, tell, count)
        except (PipelineError, RunError) as error:
            opening = _otherwise(task, opening, str(error))
            if opening is None:
                raise
            tell(f"once more, because of this: {error}")
    raise AssertionError("the loop ends in itself")


def encode_script(task: Task, tell: Tell, count: Count) -> tuple[Shown, list[Fraction], str]:
    """Encode what the user's own script gives; where it cannot open a damaged source, say how it could.

    Returns and raises what :func:`encode` does.
    """
    try:
        return encode(task, tell, count)
    except RunError as error:
        if NO_FRAME not in str(error):
            raise
        raise RunError(f"{error}; {ONE_THREAD}") from None


def encode(task: Task, tell: Tell, count: Count) -> tuple[Shown, list[Fraction], str]:
    """Run vspipe into ffmpeg.

    Returns:
        What the first frame told, how long each frame is shown, in seconds, and what ffmpeg said.

    Raises:
        PipelineError: the script cannot be evaluated, its picture does not suit the encoder, or the disk is full.
        RunError: vspipe or ffmpeg failed.

    """
    running: list[Program] = []
    task.report.unlink(missing_ok=True)
    environment = programs.environment()
    with stopping(running):
        counter = FrameCounter(count, tell)
        # Nothing is sent to vspipe's standard input; its end tells it that vsrestore has gone.
        sender = Program(rendering(task), subprocess.PIPE, subprocess.PIPE, environment, hear=counter)
        running.append(sender)
        shown = _first_frame(task, sender)
        taker = Program(encoding(task, shown), stdin=sender.stdout, environment=environment)
        running.append(taker)
        sender.stdout.close()
        wait_for(lambda: False, running)
        _check_exits(task, shown, sender, taker)
    if shown.mastering:
        tell("the HDR mastering data of the source are not passed on")
    durations = timestamps.read_durations(task.properties, shown.rate)
    count(len(durations), len(durations))
    return shown, durations, taker.words()


def set_times(task: Task, shown: Shown, durations: list[Fraction]) -> None:
    """Give the frames of the encoded video their true times when they do not come at a constant rate.

    Raises:
        RunError: they cannot be set; the file stays as it was.
        PipelineError: the disk is full.

    """
    if len(durations) < shown.frames and not shortened(task.job):
        raise RunError(f"the times of the frames were not all written down; {FULL}")
    if timestamps.is_constant(durations, shown.rate):
        return
    part, base = task.part, timestamps.fitting_time_base(task.media.picture.time_base)
    _check_space(part)
    if shortened(task.job):
        durations = durations[: read_packets(part)[0].shown]
    retimed, joined = part.with_stem("retimed"), part.with_stem("joined")
    timestamps.retime(part, retimed, task.container.muxer, durations, base)
    # The disk need not hold three of them.
    retimed.replace(part)
    complete("ffmpeg", joining(task, shown, part, joined))
    joined.replace(part)


def refuse_incomplete(task: Task, found: list[Difference], words: str) -> None:
    """Keep the file under another name and raise ``RunError`` when picture or sound is missing in it."""
    missing = [str(difference) for difference in found if difference.missing]
    if disk_full(words):
        missing.append(FULL)
    elif shortened(task.job):
        return
    if missing:
        raise _kept(RunError(f"the output is incomplete: {'; '.join(missing)}"), task)


def _kept(error: Exception, task: Task) -> RunError:
    """Keep what was made so far under another name; return the error that tells it."""
    output = task.job.output.resolve()
    kept = keep(task.part, output, "incomplete")
    stays = f"; {task.job.output} stays as it was" if output.exists() else ""
    return RunError(f"{error}; what was made so far is kept as {kept}{stays}")


def _readable(part: Path) -> bool:
    """Tell whether a file that broke off can be read; MP4 cannot, whose list of contents comes last."""
    try:
        probe(part)
    except PipelineError:
        return False
    return True


def _otherwise(task: Task, opening: Opening, words: str) -> Opening | None:
    """Return another way to open a source after a failure that it may help against, else None."""
    if NO_INDEX in words and opening.index_folder is not None:
        return replace(opening, index_folder=None)
    if NO_FRAME not in words or opening.source.parent == task.work:
        return None
    if opening.damaged:
        return Opening(decoded(task.media, task.work), clear_fields=opening.clear_fields)
    # The index, too, was made in several threads.
    return replace(opening, damaged=True, index_folder=None)


def _check_space(part: Path) -> None:
    needed, free = part.stat().st_size, shutil.disk_usage(part.parent).free
    if free < needed:
        raise RunError(
            f"the disk is too full to set the times of the frames: {needed / 1e6:.1f} MB are needed, "
            f"{free / 1e6:.1f} MB are free"
        )


def _space_note(task: Task, seen: Survey) -> str | None:
    """Return a warning when the disk may not hold two outputs and the source has frames of unequal length."""
    gaps = [later - earlier for earlier, later in pairwise(seen.packets[task.media.picture.index].times())]
    free, size = shutil.disk_usage(task.work).free, task.media.path.stat().st_size
    if not gaps or max(gaps) - min(gaps) <= 2 * timestamps.TOLERANCE or free > LIKELY_GROWTH * size:
        return None
    return (
        "the frames come at no constant rate; to set their times the disk must hold the output twice, "
        f"and {free / 1e6:.0f} MB are free"
    )


def _cut_size(picture: Picture) -> tuple[int, int] | None:
    """Return the size in which VapourSynth holds a picture whose chroma does not divide its size, else None."""
    across, down = picture.chroma_step
    size = (picture.width - picture.width % across, picture.height - picture.height % down)
    return None if size == (picture.width, picture.height) else size


def _first_frame(task: Task, sender: Program) -> Shown:
    wait_for(task.report.exists, [sender])
    if not task.report.exists():
        check_exit("vspipe", sender)
        raise RunError(f"vspipe ended without a frame: {sender.words()}")
    return read_report(task)


def _check_exits(task: Task, shown: Shown, sender: Program, taker: Program) -> None:
    """Raise for whichever failed first: a taker that ends breaks the sender's pipe, so its words come first.

    A taker that has all it was asked for ends before the sender, too.
    """
    if pipe_broke(sender):
        wait_for(lambda: False, [taker])
    if taker.poll():
        if not task.job.ffmpeg_args and ENCODER_REFUSES.search(taker.words()):
            _refused_by_encoder(task, shown, taker)
        check_exit("ffmpeg", taker)
    wait_for(lambda: False, [sender])
    if pipe_broke(sender) and shortened(task.job):
        return
    check_exit("vspipe", sender)


def _refused_by_encoder(task: Task, shown: Shown, taker: Program) -> NoReturn:
    """The limits of an encoder are not those of its other versions, so it is asked and not a table."""
    width, height = shown.size
    raise PipelineError(
        f"--encoder {task.job.encoder}: does not take a picture of {width}x{height}; choose another encoder, "
        f"or enlarge or pad the clip ({last_words(taker.words())})"
    )
