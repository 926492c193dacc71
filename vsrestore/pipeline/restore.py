"""One job from the input to the finished file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from . import programs
from .cluster.render import render_on
from .commands import Delivery, Shown, Task
from .containers import CopyPlan, container_of, copy_plan
from .encode import encoder_named, encoder_options
from .errors import OtherJobError, PipelineError, RunError
from .excerpt import part_of_clip
from .finish import deliver, excerpt_of, part_of
from .intermediate import decoded
from .job import Job, checked_calls, fitting_calls, input_file, opening_for, shortened
from .notes import ONE_THREAD, source_notes
from .output import checked_output
from .probe import probe
from .run import unwritable
from .script import FilterCall, Opening, script_text
from .segments.claim import held
from .segments.cuts import cut, grid_of
from .segments.folder import Clip, JobFolder, Source
from .segments.identity import identity_of, told_differences
from .segments.render import Watch, look, render_first, render_missing
from .segments.status import JobProgress, noted
from .source import is_url
from .survey import Survey, survey

Tell = Callable[[str], None]
Count = Callable[[int, int], None]
Cut = Callable[[Shown], Clip]
NO_INDEX, NO_FRAME = "Failed to write index", "No frame returned for frame number"


def restore(
    job: Job,
    tell: Tell,
    count: Count,
    stage: Tell = lambda name: None,
    progress: Callable[[JobProgress], None] = lambda progress: None,
) -> None:
    """Restore the input into the output; where a run of the same job has ended before, go on where that was.

    Args:
        job: what to do.
        tell: takes one sentence that the user should read.
        count: takes frames done and frames in all.
        stage: takes the name of what is done now, where there are no frames to count.
        progress: takes what there is to know whenever ``count`` is called.

    Raises:
        PipelineError: something given cannot be used; nothing is written.
        OtherJobError: another job has begun in the job folder.
        RunError: a program failed, or picture or sound is missing in what was made. An existing output stays; the
            message names the file, if there is one, that holds what was made.

    """
    calls = checked_calls(job)
    output = checked_output(job.output, job.input, overwrite=job.overwrite)
    encoder_named(job.encoder, programs.ffmpeg_encoders())
    container = container_of(job.output, job.encoder)
    encoder_options(job.encoder, job.crf, job.preset)
    with held(output, job.folder) as folder:
        try:
            stage("reading the source")
            begin(folder, job, calls, tell)
            source = source_of(folder, job, tell)
            task = prepared(folder, job, source)
            plan = copy_plan(source.media, source.survey, container, folder.path) if not job.preview else CopyPlan()
            for note in [*source_notes(task, source.survey), *plan.notes]:
                tell(note)
            calls = fitting_calls(calls, source.media, source.survey, tell)
            stage("loading the filters")
            cut = cut_of(job, calls, source.times())
            clip = rendered(folder, task, calls, source.survey, cut, tell, noted(folder, count, progress))
            stage("joining the segments")
            delivery = Delivery(container, plan, part_of(folder, output), excerpt_of(task, clip, source.times()))
            deliver(folder, task, clip, delivery, output, source.survey, tell)
            folder.close()
        except OSError as error:
            raise _with_way_on(unwritable(folder.path, error), folder) from None
        except (PipelineError, RunError) as error:
            raise _with_way_on(error, folder) from None


def begin(folder: JobFolder, job: Job, calls: list[FilterCall], tell: Tell) -> None:
    """Begin a job in its folder, or go on with it.

    Raises:
        OtherJobError: another job has begun there.

    """
    folder.clear_unfinished()
    identity, old = identity_of(job, calls), folder.identity()
    differing = "" if old is None or job.restart else told_differences(old, identity)
    if differing and folder.worth_keeping():
        raise OtherJobError(
            f"{folder.path}: holds another job ({differing}); finish that one with its own arguments, "
            "or give --restart to begin anew, or another --job-folder"
        )
    if old is None or differing or job.restart:
        folder.begin_anew()
        folder.keep_identity(identity)
    elif folder.worth_keeping():
        tell(f"going on in {folder.path}")


def source_of(folder: JobFolder, job: Job, tell: Tell) -> Source:
    """Return what is in the source, which is read once in a job."""
    source = folder.source()
    if source is None:
        media = probe(input_file(job, folder.path, tell))
        findings = survey(media)
        picture = replace(media.picture, start=findings.packets[media.picture.index].begins() - media.zero)
        source = Source(replace(media, picture=picture), findings)
        folder.keep_source(source)
    return source


def prepared(folder: JobFolder, job: Job, source: Source) -> Task:
    """Return the task of a job whose source is known, and write it down; its filters' script is yet to be written."""
    own = None if job.script is None else job.script.absolute()
    script, place = (folder.path / "restore.vpy", Path.cwd()) if own is None else (own, own.parent)
    task = Task(job, source.media, script, place, folder.path)
    folder.keep_task(task)
    return task


def rendered(
    folder: JobFolder, task: Task, calls: list[FilterCall], findings: Survey, cut: Cut, tell: Tell, count: Count
) -> Clip:
    """Return the clip of a job, all of whose segments are rendered.

    Returns and raises what :func:`encode` does.
    """
    clip = folder.clip()
    if clip is not None and folder.joined(task.job.output.suffix).exists():
        return clip
    if task.job.script is None:
        return encode_filters(folder, task, calls, findings, cut, tell, count)
    return encode_script(task, cut, tell, count)


def cut_of(job: Job, calls: Sequence[FilterCall], times: Sequence[Fraction]) -> Cut:
    """Return what cuts the clip of a job into segments, once its first frame has shown how long it is.

    Args:
        job: the wish.
        calls: its filters.
        times: when the frames of the source are shown, rising, in seconds.

    """
    # The user's own options for ffmpeg count from the beginning of what it encodes.
    seconds = 0 if job.preview or shortened(job) else job.segment

    def made(shown: Shown) -> Clip:
        part = part_of_clip(job.start, job.end, shown.frames, times)
        return Clip(shown, tuple(cut(part, shown.rate, seconds, grid_of(calls))))

    return made


def encode_filters(
    folder: JobFolder, task: Task, calls: list[FilterCall], findings: Survey, cut: Cut, tell: Tell, count: Count
) -> Clip:
    """Write the script of the task's filters and encode; where BestSource cannot open the source so, open it otherwise.

    Returns and raises what :func:`encode` does.
    """
    clustered = task.job.cluster is not None
    near = folder.path if clustered or is_url(task.job.input) else programs.index_folder(task.media.path)
    opening: Opening | None = folder.opening() or opening_for(task.media, findings, near, calls)
    if clustered and opening is not None:  # all machines read the source by one index
        opening = replace(opening, one_index=True)
    while opening is not None:
        folder.keep_opening(opening)
        task.script.write_text(script_text(opening, calls), encoding="utf-8")
        try:
            return encode(task, cut, tell, count)
        except (PipelineError, RunError) as error:
            opening = _otherwise(task, opening, str(error))
            if opening is None:
                raise
            tell(f"once more, because of this: {error}")
            folder.render_anew()
    raise AssertionError("the loop ends in itself")


def encode_script(task: Task, cut: Cut, tell: Tell, count: Count) -> Clip:
    """Encode what the user's own script gives; where it cannot open a damaged source, say how it could.

    Returns and raises what :func:`encode` does.
    """
    try:
        return encode(task, cut, tell, count)
    except RunError as error:
        if NO_FRAME not in str(error):
            raise
        raise RunError(f"{error}; {ONE_THREAD}") from None


def encode(task: Task, cut: Cut, tell: Tell, count: Count) -> Clip:
    """Render and encode what is not finished of the task's segments.

    Returns:
        The clip, of which all segments are finished.

    Raises:
        PipelineError: the script cannot be evaluated, its picture does not suit the encoder, or the disk is full.
        RunError: vspipe or ffmpeg failed.

    """
    folder = JobFolder(task.work)
    clip = folder.clip()
    if task.job.cluster is not None:
        render_on(task.job.cluster, task, cut, tell, count)
    elif clip is None and task.job.start is task.job.end is None:
        render_first(task, cut, Watch(tell, count))
    else:
        clip = clip or look(task, cut, tell, count)
        render_missing(task, clip, Watch(tell, count), clip.segments)
    clip = folder.clip()
    assert clip is not None
    if clip.shown.mastering:
        tell("the HDR mastering data of the source are not passed on")
    return clip


def _with_way_on(error: PipelineError | RunError, folder: JobFolder) -> PipelineError | RunError:
    """Return the error with what is finished and what to do."""
    clip = folder.clip()
    if clip is None or not folder.worth_keeping():
        return error
    done = len(clip.segments) - len(folder.missing(clip))
    finished = f"{done} of {len(clip.segments)} segments are" if done else "all segments are"
    return type(error)(f"{error}; {finished} finished in {folder.path}, and the same command goes on there")


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
