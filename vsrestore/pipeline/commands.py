"""The command lines of a task."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vsrestore import ffmpeg
from vsrestore.video.props import duration_of

from . import programs, tags, timestamps
from .containers import Container, CopyPlan, picture_metadata
from .encode import ENCODERS, encoder_options
from .errors import PipelineError
from .job import Job
from .probe import Media

DELIVERY = Path(__file__).with_name("delivery.py")
# Requests beyond the threads: a chunk of frames, so that the next chunk is under way while this one is written.
LOOK_AHEAD = 32
# Matroska's times are whole milliseconds. BestSource takes the 16667/1000 frames of old AVIs for 16667 in a second.
FASTEST = 1000
MASTERING = {"MasteringDisplayMaxLuminance", "ContentLightLevelMax"}


@dataclass(frozen=True)
class Task:
    """A job whose input is at hand and whose every argument has been checked.

    Attributes:
        job: the wish.
        media: its input.
        script: path of its script.
        container: row of the output.
        plan: what becomes of the source's other streams.
        work: folder for all that is unfinished.

    """

    job: Job
    media: Media
    script: Path
    container: Container
    plan: CopyPlan
    work: Path

    @property
    def part(self) -> Path:
        """The file that becomes the output."""
        return self.work / f"part{self.job.output.suffix}"

    @property
    def report(self) -> Path:
        """File in which the first frame tells its properties."""
        return self.work / "first.json"

    @property
    def properties(self) -> Path:
        """File in which vspipe tells the properties of every frame."""
        return self.work / "frames.json"


@dataclass(frozen=True)
class Shown:
    """What the first frame tells of the whole clip.

    Attributes:
        tags: colour, shape of the samples and fields.
        rate: frames in a second, 0 when the clip has no constant rate.
        frames: how many the clip has.
        factor: how many of them its filters made of each frame of the source.
        size: (width, height).
        mastering: whether it carries HDR mastering data, which are not passed on.
        misnamed: whether the clip names a rate that cannot be; ``rate`` is that of its first frame then.

    """

    tags: tags.Tags
    rate: Fraction
    frames: int
    factor: Fraction
    size: tuple[int, int]
    mastering: bool
    misnamed: bool = False


def read_report(task: Task) -> Shown:
    """Return what :mod:`vsrestore.pipeline.delivery` wrote when the first frame was rendered.

    Where the script left the shape of the samples as the stream has it, what its container says of it holds.
    """
    facts = json.loads(task.report.read_text(encoding="utf-8"))
    props = facts["props"]
    named = Fraction(facts["fps"][0], facts["fps"][1] or 1)
    duration = duration_of(props)
    rate = named if named <= FASTEST or duration is None else 1 / duration
    width, height = facts["size"]
    mastering, factor = not MASTERING.isdisjoint(props), Fraction(*facts["factor"])
    shown, picture = tags.from_props(props), task.media.picture
    if (shown.sar or 1) == picture.coded_sar != picture.sar:
        shown = replace(shown, sar=picture.sar)
    return Shown(shown, rate, facts["frames"], factor, (width, height), mastering, rate != named)


def rendering(task: Task) -> list[str]:
    """Return the vspipe command that renders the script of the task as y4m to stdout."""
    own = task.job.script
    arguments = {
        "script": task.script,
        "folder": Path.cwd() if own is None else task.script.parent,
        "source": task.media.path,
        "encoder": task.job.encoder,
        "report": task.report,
    }
    passed = [word for key, value in arguments.items() for word in ("-a", f"{key}={value}")]
    requests = str((os.cpu_count() or 1) + LOOK_AHEAD)
    told = ["-p", "-j", str(task.properties)]
    return [programs.vspipe(), "-c", "y4m", "-r", requests, *told, *passed, str(DELIVERY), "-"]


def encoding(task: Task, shown: Shown) -> list[str]:
    """Return the ffmpeg command that encodes y4m from stdin together with the other streams of the source.

    Raises:
        PipelineError: an interlaced picture for an encoder that has no interlaced mode.

    """
    job, picture = task.job, shown.tags
    if picture.fields and not ENCODERS[job.encoder].interlaced:
        raise PipelineError(f"--encoder {job.encoder}: the clip is interlaced; deinterlace it, or use x264 or ffv1")
    delay, ticks = timestamps.delay_options(_lateness(task.media), shown.rate)
    return [
        *_ffmpeg(), *tags.input_options(picture), "-f", "yuv4mpegpipe", *_counted(shown), "-i", "pipe:0",
        *_source(task),
        *encoder_options(job.encoder, job.crf, job.preset), "-filter:v:0", delay + tags.filters(picture), *ticks,
        *tags.output_options(picture), *_copied(task), *job.ffmpeg_args, *_target(task, task.part),
    ]  # fmt: skip


def _counted(shown: Shown) -> list[str]:
    """Return the option by which ffmpeg counts the frames of y4m at the rate of the first frame, where it is wanted."""
    return ["-r", f"{shown.rate.numerator}/{shown.rate.denominator}"] if shown.misnamed else []


def joining(task: Task, shown: Shown, video: Path, joined: Path) -> list[str]:
    """Return the ffmpeg command that puts a finished video together with the other streams of the source."""
    late = ["-itsoffset", f"{float(_lateness(task.media)):.6f}"]
    return [
        *_ffmpeg(), *late, *ffmpeg.input_options(video), *_source(task),
        "-c:v:0", "copy", *_shape(shown), *_copied(task), *_target(task, joined),
    ]  # fmt: skip


def _lateness(media: Media) -> Fraction:
    """Return how long after the start of the file, as ffmpeg sees it, the picture begins, in seconds."""
    return media.zero + media.picture.start - programs.file_start(media.path)


def _ffmpeg() -> list[str]:
    return [ffmpeg.program(), "-hide_banner", "-nostdin", "-y", "-v", "error"]


def _source(task: Task) -> list[str]:
    return [*ffmpeg.input_options(task.media.path), "-map", "0:v:0"]


def _shape(shown: Shown) -> list[str]:
    """Matroska and MP4 keep the shape of the samples beside the stream, where PyAV does not put it."""
    if shown.tags.sar is None:
        return []
    shape = shown.tags.sar * Fraction(*shown.size)
    return ["-aspect", f"{shape.numerator}:{shape.denominator}"]


def _copied(task: Task) -> list[str]:
    # Players of the MP4 family know H.265 by this tag.
    tag = ["-tag:v:0", "hvc1"] if task.job.encoder == "x265" and task.container.muxer != "matroska" else []
    metadata = picture_metadata(task.media.picture.metadata)
    return [*tag, *task.plan.options, *metadata, "-max_muxing_queue_size", "9999"]


def _target(task: Task, file: Path) -> list[str]:
    return ["-f", task.container.muxer, ffmpeg.file_url(file)]
