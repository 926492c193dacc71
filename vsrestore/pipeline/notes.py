"""What the user should know of a source before it is restored."""

from __future__ import annotations

import shutil

from .commands import Task
from .continued import spread
from .packets import loss
from .probe import Picture
from .survey import TOLD_STRETCHES, Survey, clock, times_of

ONE_THREAD = "open it with bs.VideoSource(source, threads=1), which decodes it the same each time"
# Two outputs are hardly larger than so many times the source.
LIKELY_GROWTH = 4


def source_notes(task: Task, findings: Survey) -> list[str]:
    """Return a sentence for everything about the picture of the source that the user should know beforehand."""
    picture, notes = task.media.picture, [loss(task.media, findings.packets)]
    if damage := findings.damage.get(picture.index):
        rule = "what can be decoded is taken as it is, and in place of lost frames the one before them stays"
        notes.append(f"the picture is damaged at {times_of(damage)}: {rule if task.job.script is None else ONE_THREAD}")
    notes += [_joint_note(task, findings), *_loss_notes(task, findings)]
    if findings.interlaced and not findings.fields:
        flagged = f"{findings.interlaced} of {findings.frames} frames, the first at {clock(findings.first_interlaced)}"
        notes.append(f"{flagged}, are flagged interlaced; filters take them for whole frames")
    if picture.alpha:
        notes.append("the picture has an alpha channel; it is not passed on")
    if cut := _cut_size(picture):
        notes.append(f"the picture is {picture.width}x{picture.height}; VapourSynth holds it as {cut[0]}x{cut[1]}")
    notes.append(_space_note(task))
    return [note for note in notes if note]


def _joint_note(task: Task, findings: Survey) -> str | None:
    """Return where recordings were joined, and what becomes of that."""
    if not findings.joints:
        return None
    times = ", ".join(clock(joint.at) for joint in findings.joints[:TOLD_STRETCHES])
    more = f" and {count} times more" if (count := len(findings.joints) - TOLD_STRETCHES) > 0 else ""
    where = f"the clock of the source begins anew at {times}{more}, as where recordings were joined"
    if task.job.script is None:
        return f"{where}: the sound goes on there, and the picture keeps in step with it"
    return f"{where}: the sound goes on there; see that the frames of your script do, too (_DurationNum, _DurationDen)"


def _loss_notes(task: Task, findings: Survey) -> list[str]:
    """Return where an AVI lacks pictures or sound, and what becomes of that."""
    picture, notes = findings.packets[task.media.picture.index], []
    if picture.gaps:
        frames = sum(lost for _, lost in picture.gaps)
        ticks = spread([tick for tick, _ in picture.gaps], [(tick + 1, lost) for tick, lost in picture.gaps])
        places = ", ".join(clock(tick * picture.base - task.media.zero) for tick in ticks)
        rule = "the one before them stays" if task.job.script is None else "what follows comes too early for its sound"
        notes.append(f"{frames} frames are missing at {places}, as the sound beside them shows: {rule}")
    if findings.lost_sound:
        notes.append(
            f"sound is missing at {times_of(findings.lost_sound)}: what follows comes too early for its picture"
        )
    return notes


def _space_note(task: Task) -> str | None:
    """Return a warning when the disk may not hold two outputs."""
    free, size = shutil.disk_usage(task.work).free, task.media.path.stat().st_size
    if free > LIKELY_GROWTH * size:
        return None
    return f"to join the segments the disk must hold the output twice, and {free / 1e6:.0f} MB are free"


def _cut_size(picture: Picture) -> tuple[int, int] | None:
    """Return the size in which VapourSynth holds a picture whose chroma does not divide its size, else None."""
    across, down = picture.chroma_step
    size = (picture.width - picture.width % across, picture.height - picture.height % down)
    return None if size == (picture.width, picture.height) else size
