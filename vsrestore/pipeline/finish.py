"""The end of a job: finished segments and the source's other streams become the output, which is checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from .check import Contents, Difference, differences, picture_differences
from .commands import Delivery, Task, finishing, lateness
from .errors import RunError
from .excerpt import seconds_of
from .job import shortened
from .output import keep, publish
from .run import complete
from .segments.folder import Clip, JobFolder
from .segments.join import check_space, join
from .survey import Survey
from .workplace import beside

Tell = Callable[[str], None]


def part_of(folder: JobFolder, output: Path) -> Path:
    """Return where the file lies that becomes the output: on the same disk, so that it takes its name in one step."""
    near = folder.path.stat().st_dev == output.parent.stat().st_dev
    return folder.path / f"part{output.suffix}" if near else beside(output, ".", f".vsrestore-part{output.suffix}")


def excerpt_of(task: Task, clip: Clip, times: Sequence[Fraction]) -> tuple[Fraction, Fraction] | None:
    """Return start and length in seconds, as ffmpeg counts them, of the part of the source that a job is about."""
    if task.job.whole or task.job.preview:
        return None
    part = range(clip.segments[0].first, clip.segments[-1].end)
    start, length = seconds_of(part, clip.shown.frames, times)
    return lateness(task.media) + start, length


def deliver(
    folder: JobFolder, task: Task, clip: Clip, delivery: Delivery, output: Path, findings: Survey, tell: Tell
) -> None:
    """Make the output of finished segments and the source's other streams, check it, and give it its name.

    Raises:
        PipelineError: the disk is full.
        RunError: a program failed, or picture or sound is missing in what was made.

    """
    joined = folder.joined(task.job.output.suffix)
    try:
        if not joined.exists():
            join(folder, clip, joined, delivery.container.muxer, task.media.picture.time_base)
        check_space(joined)
        complete("ffmpeg", finishing(task, delivery, clip.shown, joined))
        source, part = Contents(task.media, findings.packets), delivery.part
        if task.job.whole:
            missing = differences(source, part, delivery.plan, clip.shown.frames, clip.shown.factor)
        else:
            missing = picture_differences(part, clip.frames)
        refuse_incomplete(task, part, missing)
        for difference in missing:
            tell(str(difference))
        publish(part, output, overwrite=task.job.overwrite)
    finally:
        delivery.part.unlink(missing_ok=True)


def refuse_incomplete(task: Task, part: Path, all_differences: list[Difference]) -> None:
    """Keep the file under another name and raise ``RunError`` when picture or sound is missing in it."""
    missing = [str(difference) for difference in all_differences if difference.missing]
    if not missing or shortened(task.job):
        return
    output = task.job.output.resolve()
    kept = keep(part, output, "incomplete")
    stays = f"; {task.job.output} stays as it was" if output.exists() else ""
    raise RunError(f"the output is incomplete: {'; '.join(missing)}; what was made is kept as {kept}{stays}")
