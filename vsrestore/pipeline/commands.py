"""The command lines of a task."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vsrestore import ffmpeg
from vsrestore.video.props import duration_of

from . import programs, tags
from .containers import Container, CopyPlan, picture_metadata
from .encode import ENCODERS, encoder_options
from .errors import PipelineError
from .further_options import for_file, for_picture
from .job import Job
from .probe import Media, Picture

DELIVERY = Path(__file__).with_name("delivery.py")
# Requests beyond the threads: a chunk of frames, so that the next chunk is under way while this one is written.
LOOK_AHEAD = 32
# Matroska's times are whole milliseconds. BestSource takes the 16667/1000 frames of old AVIs for 16667 in a second.
FASTEST = 1000
MASTERING = {"MasteringDisplayMaxLuminance", "ContentLightLevelMax"}


@dataclass(frozen=True)
class Task:
    """A job whose input is at hand and whose every argument has been checked: all that rendering must know.

    Attributes:
        job: the wish.
        media: its input.
        script: path of its script.
        folder: from which the paths in the script count.
        work: folder for all that is unfinished.

    """

    job: Job
    media: Media
    script: Path
    folder: Path
    work: Path


@dataclass(frozen=True)
class Delivery:
    """What the rendered picture is put into.

    Attributes:
        container: row of the output.
        plan: what becomes of the source's other streams.
        part: the file that becomes the output.
        excerpt: start and length of what is wanted of the source, in seconds; None for all.

    """

    container: Container
    plan: CopyPlan
    part: Path
    excerpt: tuple[Fraction, Fraction] | None = None


@dataclass(frozen=True)
class Shown:
    """What the first frame tells of the whole clip.

    Attributes:
        tags: colour, shape of the samples and fields.
        rate: frames in a second, 0 when the clip has no constant rate.
        frames: how many the clip has.
        factor: how many of them its filters made of each frame of the source.
        size: (width, height).
        frame_bytes: of one frame, as y4m has it.
        mastering: whether it carries HDR mastering data, which are not passed on.
        misnamed: whether the clip names a rate that cannot be; ``rate`` is that of its first frame then.

    """

    tags: tags.Tags
    rate: Fraction
    frames: int
    factor: Fraction
    size: tuple[int, int]
    frame_bytes: int
    mastering: bool
    misnamed: bool = False


def read_report(report: Path, picture: Picture) -> Shown:
    """Return what :mod:`vsrestore.pipeline.delivery` wrote when the first frame was rendered.

    Where the script left the shape of the samples as the stream has it, what its container says of it holds.
    """
    facts = json.loads(report.read_text(encoding="utf-8"))
    props = facts["props"]
    named = Fraction(facts["fps"][0], facts["fps"][1] or 1)
    duration = duration_of(props)
    rate = named if named <= FASTEST or duration is None else 1 / duration
    width, height = facts["size"]
    mastering, factor = not MASTERING.isdisjoint(props), Fraction(*facts["factor"])
    shown = tags.from_props(props)
    if (shown.sar or 1) == picture.coded_sar != picture.sar:
        shown = replace(shown, sar=picture.sar)
    size = facts["frame_bytes"]
    return Shown(shown, rate, facts["frames"], factor, (width, height), size, mastering, rate != named)


def rendering(task: Task, frames: range, report: Path, properties: Path) -> list[str]:
    """Return the vspipe command that renders frames of the task's script as y4m to stdout.

    Args:
        task: whose script is written.
        frames: of the clip; an empty run stands for all.
        report: is written when frame 0 is rendered.
        properties: file in which vspipe tells the properties of every frame.

    """
    arguments = {
        "script": task.script,
        "folder": task.folder,
        "source": task.media.path,
        "encoder": task.job.encoder,
        "report": report,
        "preview": task.job.preview,
    }
    passed = [word for key, value in arguments.items() for word in ("-a", f"{key}={value}")]
    run = ["-s", str(frames.start), "-e", str(frames.stop - 1)] if frames else []
    requests = str((os.cpu_count() or 1) + LOOK_AHEAD)
    return [
        *(programs.vspipe(), "-c", "y4m", "-r", requests, *run, "-p", "-j", str(properties)),
        *(*passed, str(DELIVERY), "-"),
    ]


def encoding(task: Task, shown: Shown, target: Path) -> list[str]:
    """Return the ffmpeg command that encodes y4m from stdin, the picture alone, into a Matroska file.

    Raises:
        PipelineError: an interlaced picture for an encoder that has no interlaced mode.

    """
    job, picture = task.job, shown.tags
    if picture.fields and not ENCODERS[job.encoder].interlaced:
        raise PipelineError(f"--encoder {job.encoder}: the clip is interlaced; deinterlace it, or use x264 or ffv1")
    return [
        *_ffmpeg(), *tags.input_options(picture), "-f", "yuv4mpegpipe", *_counted(shown), "-i", "pipe:0",
        *encoder_options(job.encoder, job.crf, job.preset), "-filter:v:0", tags.filters(picture),
        *tags.output_options(picture), *for_picture(job.ffmpeg_args), "-f", "matroska", ffmpeg.file_url(target),
    ]  # fmt: skip


def _counted(shown: Shown) -> list[str]:
    """Return the option by which ffmpeg counts the frames of y4m at the rate of the first frame, where it is wanted."""
    return ["-r", f"{shown.rate.numerator}/{shown.rate.denominator}"] if shown.misnamed else []


def finishing(task: Task, delivery: Delivery, shown: Shown, video: Path) -> list[str]:
    """Return the ffmpeg command that puts a finished video together with the other streams of the source."""
    late = Fraction(0) if delivery.excerpt else lateness(task.media)
    job, muxer = task.job, delivery.container.muxer
    # Sound that is copied would begin at the key frame of the source's picture before the excerpt.
    begin = ["-copypriorss:a", "0", "-copypriorss:s", "0"] if delivery.excerpt else []
    # Players of the MP4 family know H.265 by this tag.
    tag = ["-tag:v:0", "hvc1"] if job.encoder == "x265" and muxer != "matroska" else []
    return [
        *_ffmpeg(), *(["-itsoffset", f"{float(late):.6f}"] if late else []), *ffmpeg.input_options(video),
        *_source(task.media.path, delivery.excerpt), "-map", "0:v:0", *begin, *tag, *delivery.plan.options,
        *picture_metadata(task.media.picture.metadata), *for_file(job.ffmpeg_args), "-c:v:0", "copy", *_shape(shown),
        "-max_muxing_queue_size", "9999", "-f", muxer, ffmpeg.file_url(delivery.part),
    ]  # fmt: skip


def _source(path: Path, excerpt: tuple[Fraction, Fraction] | None) -> list[str]:
    if excerpt is None:
        return ffmpeg.input_options(path)
    start, length = (f"{float(seconds):.6f}" for seconds in excerpt)
    return ["-ss", start, "-t", length, *ffmpeg.input_options(path)]


def lateness(media: Media) -> Fraction:
    """Return how long after the start of the file, as ffmpeg sees it, the picture begins, in seconds."""
    return media.zero + media.picture.start - programs.file_start(media.path)


def _ffmpeg() -> list[str]:
    return [ffmpeg.program(), "-hide_banner", "-nostdin", "-y", "-v", "error"]


def _shape(shown: Shown) -> list[str]:
    """Matroska and MP4 keep the shape of the samples beside the stream, where PyAV does not put it."""
    if shown.tags.sar is None:
        return []
    shape = shown.tags.sar * Fraction(*shown.size)
    return ["-aspect", f"{shape.numerator}:{shape.denominator}"]
