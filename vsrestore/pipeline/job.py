"""What is to be restored and how, and whether that can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .cluster.wish import Cluster
from .errors import PipelineError
from .further_options import shortens
from .packets import loss
from .probe import Media
from .script import FilterCall, Opening, parameters, parse_filter, resolved
from .source import fetch, fetched, is_url
from .survey import Survey

DEINTERLACE, ORDER = "deinterlace", "field_order"
SCENES, SCENE_CHANGES = "scenes", "scene_changes"
# Filters that look for cuts and cannot be told not to.
WITHIN_SHOTS = {"deflicker", "stabilise"}


@dataclass(frozen=True)
class Job:
    """A wish of the user.

    Attributes:
        input: path or URL.
        output: path of the restored file; its ending chooses the container.
        filters: calls as :func:`vsrestore.pipeline.script.parse_filter` reads them.
        script: instead of filters, a script that finds the input as ``source`` and sets output 0.
        defaults: arguments for every filter that takes them (device, precision).
        encoder: key of :data:`vsrestore.pipeline.encode.ENCODERS`.
        crf: quality number, None for the encoder's default.
        preset: speed, None for the encoder's default.
        ffmpeg_args: further output options for ffmpeg.
        overwrite: whether an existing output may be replaced.
        quality: yt-dlp's format choice.
        start: where to begin, as :func:`vsrestore.pipeline.excerpt.parsed_place` reads it, None for the beginning.
        end: where to end, None for the end.
        preview: instead of all, so many seconds of the clip, evenly spread, each beside what it was; 0 for all.
        segment: seconds of a segment.
        folder: of the job, None for one beside the output.
        restart: whether to begin anew where a job has begun.
        cluster: whose workers render, None for this machine.

    """

    input: str
    output: Path
    filters: tuple[str, ...] = ()
    script: Path | None = None
    defaults: dict[str, object] = field(default_factory=dict)
    encoder: str = "x264"
    crf: float | None = None
    preset: str | None = None
    ffmpeg_args: tuple[str, ...] = ()
    overwrite: bool = False
    quality: str | None = None
    start: str | None = None
    end: str | None = None
    preview: int = 0
    segment: float = 60
    folder: Path | None = None
    restart: bool = False
    cluster: Cluster | None = None

    @property
    def whole(self) -> bool:
        """Whether it is about the whole input."""
        return self.start is None and self.end is None and not self.preview


def checked_calls(job: Job) -> list[FilterCall]:
    """Return the job's filter calls.

    Raises:
        PipelineError: neither or both of filters and script, a filter or an argument that does not exist, no script,
            a preview of a part.

    """
    if bool(job.filters) == (job.script is not None):
        raise PipelineError("what should be done? give either --filter (repeatable), --recipe or --script")
    if job.script is not None and not job.script.is_file():
        raise PipelineError(f"--script {job.script}: no such file")
    if job.preview and (job.start is not None or job.end is not None):
        raise PipelineError("--preview takes seconds from the whole clip; leave --start and --end out")
    if job.script is not None and job.defaults:
        raise PipelineError(f"--{next(iter(job.defaults))} goes with --filter; a script sets it itself")
    return [resolved(parse_filter(text), job.defaults) for text in job.filters]


def shortened(job: Job) -> bool:
    """Tell whether the user's own options for ffmpeg may leave out frames or sound."""
    return shortens(job.ffmpeg_args)


def input_file(job: Job, work: Path, tell: Callable[[str], None]) -> Path:
    """Return the path of the input; what is fetched for it lies in ``work``."""
    if not is_url(job.input):
        return Path(job.input).absolute()
    folder = work / "fetched"
    folder.mkdir(exist_ok=True)
    if (there := fetched(folder)) is not None:
        return there
    tell(f"fetching {job.input}")
    return fetch(job.input, job.quality, folder)


def fitting_calls(
    calls: Sequence[FilterCall], media: Media, findings: Survey, tell: Callable[[str], None]
) -> list[FilterCall]:
    """Return the calls that have something to do, and before them one that marks the cuts where they look for such.

    A picture of whole frames is not deinterlaced by its flags.

    Raises:
        PipelineError: nothing is left to do.

    """
    return _with_cuts(_not_idle(calls, media, findings, tell))


def _not_idle(
    calls: Sequence[FilterCall], media: Media, findings: Survey, tell: Callable[[str], None]
) -> Sequence[FilterCall]:
    if findings.fields:
        return calls
    fitting = [call for call in calls if call.name != DEINTERLACE or ORDER in call.arguments]
    if not calls or fitting:
        if len(fitting) < len(calls):
            tell(f"the picture is not flagged as interlaced; {DEINTERLACE} is left out")
        return fitting
    idle = f"{media.path}: is not flagged as interlaced, so that nothing is left to do"
    raise PipelineError(
        f"{idle}; where it is all the same, give --filter \"{DEINTERLACE}({ORDER}='top')\", or 'bottom'"
    )


def _with_cuts(calls: Sequence[FilterCall]) -> list[FilterCall]:
    """Have cuts marked once for all filters, on the source or, where fields are made frames first, on these.

    Where a call says itself what is to become of cuts, it has its way.
    """
    own = any(call.name == SCENES or call.arguments.get(SCENE_CHANGES) is False for call in calls)
    if own or not any(call.name in WITHIN_SHOTS or SCENE_CHANGES in parameters(call.name) for call in calls):
        return list(calls)
    place = int(calls[0].name == DEINTERLACE)
    return [*calls[:place], FilterCall(SCENES, {"shared": True}), *calls[place:]]


def opening_for(media: Media, findings: Survey, index_folder: Path | None, calls: Sequence[FilterCall]) -> Opening:
    """Return how a script opens a source for filters.

    Raises:
        PipelineError: its picture is interlaced, and none of the calls deinterlaces it.

    """
    if findings.fields and DEINTERLACE not in (call.name for call in calls):
        raise PipelineError(
            f"{media.path}: is interlaced; filters need whole frames: let {DEINTERLACE} come first (--filter, or a "
            "step of a recipe), or clear a wrong flag in a --script of your own with std.SetFieldBased(0)"
        )
    track = None if media.picture.first else media.picture.index
    cut, damaged = loss(media, findings.packets) is not None, media.picture.index in findings.damage
    clear = findings.interlaced > 0 and not findings.fields
    offsets = tuple(str(joint.offset) for joint in findings.joints)
    gaps = tuple(findings.packets[media.picture.index].gaps)
    return Opening(media.path, track, index_folder, cut, damaged, clear, offsets=offsets, gaps=gaps)
