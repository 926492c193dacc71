"""``vsrestore restore``: from files or a URL to restored files."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vsrestore.errors import VsrestoreError
from vsrestore.interrupts import heeded, listen

from .extras import lacking
from .progress import Bar, JsonLines, printable
from .recipes import RecipeName, Steps, Use, filters_of_recipe, recipe_of
from .restore_options import (
    AllowMixed,
    ClusterAddress,
    Device,
    DryRun,
    Encoder,
    End,
    Fetched,
    FfmpegArgs,
    Filters,
    FolderOfJob,
    Inputs,
    Maps,
    Output,
    Overwrite,
    PrecisionName,
    Preset,
    Preview,
    ProgressShape,
    Quality,
    Restart,
    Script,
    SegmentSeconds,
    Shape,
    SkipExisting,
    Start,
)

if TYPE_CHECKING:
    from vsrestore.pipeline.cluster.wish import Cluster
    from vsrestore.pipeline.job import Job
    from vsrestore.recipes.recipe import Recipe

MEGABYTE = 1e6


def restore(
    inputs: Inputs,
    output: Output,
    filters: Filters = None,
    recipe: RecipeName = None,
    steps: Steps = None,
    use: Use = None,
    script: Script = None,
    encoder: Encoder = "x264",
    crf: Quality = None,
    preset: Preset = None,
    ffmpeg_args: FfmpegArgs = "",
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    device: Device = None,
    precision: PrecisionName = None,
    quality: Fetched = None,
    start: Start = None,
    end: End = None,
    preview: Preview = 0,
    dry_run: DryRun = False,
    segment: SegmentSeconds = 60,
    job_folder: FolderOfJob = None,
    restart: Restart = False,
    cluster: ClusterAddress = None,
    maps: Maps = None,
    allow_mixed: AllowMixed = False,
    progress: ProgressShape = Shape.BAR,
) -> None:
    """Restore videos; sound, subtitles, chapters and tags are kept. After any end, the same command goes on there."""
    from vsrestore.pipeline.errors import PipelineError
    from vsrestore.pipeline.further_options import ffmpeg_words
    from vsrestore.pipeline.job import Job
    from vsrestore.pipeline.script import defaults_of

    followed = recipe_of(recipe, steps, use)
    if followed and filters:
        raise PipelineError("--filter and --recipe do not go together; a recipe's step takes another filter by --use")
    job = Job(
        inputs[0], Path(output), tuple(filters or ()), script, defaults_of(device, precision), encoder, crf, preset,
        ffmpeg_words(ffmpeg_args), overwrite, quality, start, end, preview, segment, job_folder, restart,
        _cluster(cluster, maps or [], allow_mixed=allow_mixed),
    )  # fmt: skip
    listen()
    _all(_jobs(job, inputs, skip_existing=skip_existing), followed, progress, dry=dry_run)


def _cluster(address: str | None, maps: list[str], *, allow_mixed: bool) -> Cluster | None:
    """Return the cluster that is to render, None for this machine alone."""
    from vsrestore.pipeline.cluster.wish import cluster_of
    from vsrestore.pipeline.errors import PipelineError

    wish = cluster_of(address, maps, allow_mixed=allow_mixed)
    if wish is not None and (advice := lacking("distributed")):
        raise PipelineError(f"--cluster: {advice}")
    return wish


def _jobs(job: Job, inputs: list[str], *, skip_existing: bool) -> list[Job]:
    """Return a job for each input that is to be restored."""
    from vsrestore.pipeline.errors import PipelineError
    from vsrestore.pipeline.many import pairs, several

    if not several(inputs):
        jobs = [job]
    elif job.folder is not None:
        raise PipelineError(f"--job-folder {job.folder}: is for one input; leave it out")
    else:
        jobs = [replace(job, input=file, output=output) for file, output in pairs(inputs, job.output, job.encoder)]
    wanted = [one for one in jobs if not (skip_existing and one.output.exists())]
    for one in jobs:
        if one not in wanted:
            _say(f"{one.output}: exists; {one.input} is left out")
    return wanted


def _all(jobs: list[Job], followed: Recipe | None, shape: Shape, *, dry: bool) -> None:
    """Restore all; of several, one that fails does not keep the others from being restored."""
    failures: list[str] = []
    for number, job in enumerate(jobs, 1):
        if len(jobs) > 1:
            _say(f"{number} of {len(jobs)}: {job.input} to {job.output}")
        try:
            with heeded():
                _one(job, followed, shape, dry=dry)
        except VsrestoreError as error:
            if len(jobs) == 1:
                raise
            failures.append(f"{job.input}: {error}")
            _say(f"failed: {error}")
        except KeyboardInterrupt:
            _say(f"cancelled; {_left(job)}")
            raise typer.Exit(130) from None
    if failures:
        _say(f"{len(failures)} of {len(jobs)} failed:")
        for failure in failures:
            _say(failure)
        raise typer.Exit(1)


def _one(job: Job, followed: Recipe | None, shape: Shape, *, dry: bool) -> None:
    from vsrestore.pipeline.estimate import dry_run
    from vsrestore.pipeline.restore import restore as run

    with JsonLines() if shape is Shape.JSON else Bar() as bar:
        if followed:
            job = replace(job, filters=filters_of_recipe(followed, bar.tell))
        if not dry:
            run(job, bar.tell, bar.count, bar.stage, bar.progress)
            return
        estimate = dry_run(job, bar.tell, bar.count)
        memory = "" if estimate.memory is None else f", {estimate.memory / MEGABYTE:.0f} MB of memory in one program"
        bar.tell(
            f"{job.input} to {job.output}: {estimate.frames} frames in {estimate.segments} segments, "
            f"about {estimate.seconds / 60:.1f} minutes{memory}, {estimate.size / MEGABYTE:.1f} MB of picture "
            f"(measured on {estimate.measured} frames)"
        )


def _left(job: Job) -> str:
    """Return what a cancelled run leaves."""
    from vsrestore.pipeline.segments.claim import folder_of

    folder = folder_of(job.output.resolve(), job.folder)
    return f"the same command goes on where it was (in {folder})" if folder.exists() else "nothing was written"


def _say(sentence: str) -> None:
    print(f"vsrestore: {printable(' '.join(sentence.split()))}", file=sys.stderr)
