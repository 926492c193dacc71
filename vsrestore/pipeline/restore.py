"""One job from the input to the finished file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from . import programs, tags, timestamps
from .check import differences, lost_frames
from .containers import Container, CopyPlan, container_of, copy_plan, picture_metadata
from .encode import ENCODERS, encoder_named, encoder_options
from .errors import PipelineError, RunError
from .probe import Media, probe
from .progress import FrameCounter
from .run import Program, check_exit, complete, stopping, wait_for
from .script import FilterCall, parse_filter, resolved, script_text
from .source import fetch, is_url

DELIVERY = Path(__file__).with_name("delivery.py")
# Requests beyond the threads: a chunk of frames, so that the next chunk is under way while this one is written.
LOOK_AHEAD = 32


@dataclass(frozen=True)
class Job:
    """What is to be restored, and how.

    Attributes:
        input: path or URL.
        output: path of the restored file; its ending chooses the container.
        filters: calls as :func:`vsrestore.pipeline.script.parse_filter` reads them.
        script: instead of filters, a script that finds the input as ``source`` and sets output 0.
        defaults: arguments for every filter that takes them (device, precision).
        encoder: key of ``ENCODERS``.
        crf: quality number, None for the encoder's default.
        preset: speed, None for the encoder's default.
        ffmpeg_args: further output options for ffmpeg.
        overwrite: whether an existing output may be replaced.
        quality: yt-dlp's format choice.

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


@dataclass(frozen=True)
class Task:
    """A job whose input is at hand and whose every argument has been checked."""

    job: Job
    media: Media
    script: Path
    container: Container
    plan: CopyPlan
    work: Path


@dataclass(frozen=True)
class Encoded:
    """What the script gave.

    Attributes:
        rate: frames in a second, 0 when the clip has no constant rate.
        shape: width by height of the picture as it is shown, None when unknown.
        durations: how long each frame is shown, in seconds.

    """

    rate: Fraction
    shape: Fraction | None
    durations: list[Fraction]


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
    container = container_of(job.output, job.encoder)
    encoder_named(job.encoder, programs.ffmpeg_encoders())
    encoder_options(job.encoder, job.crf, job.preset)
    check_output(job)
    with tempfile.TemporaryDirectory(prefix="vsrestore-") as folder, input_file(job) as path:
        media = probe(path)
        if job.output.exists() and job.output.samefile(path):
            raise PipelineError(f"{job.output}: is the input itself; choose another output")
        plan = copy_plan(media, container)
        task = Task(job, media, written_script(job, media, calls, Path(folder)), container, plan, Path(folder))
        with part_file(job.output) as part:
            encoded = encode(task, part, count)
            set_times(task, part, encoded)
            told = [lost_frames(media), *plan.notes, *differences(media, part, plan, len(encoded.durations))]
        for sentence in filter(None, told):
            tell(sentence)


def checked_calls(job: Job) -> list[FilterCall]:
    """Return the job's filter calls.

    Raises:
        PipelineError: neither or both of filters and script, a filter or an argument that does not exist, no script.

    """
    if bool(job.filters) == (job.script is not None):
        raise PipelineError("what should be done? give either --filter (repeatable) or --script")
    if job.script is not None and not job.script.is_file():
        raise PipelineError(f"--script {job.script}: no such file")
    if job.script is not None and job.defaults:
        raise PipelineError(f"--{next(iter(job.defaults))} goes with --filter; a script sets it itself")
    return [resolved(parse_filter(text), job.defaults) for text in job.filters]


def check_output(job: Job) -> None:
    """Raise ``PipelineError`` when the output may not be written."""
    output = job.output
    if output.is_dir():
        raise PipelineError(f"{output}: is a folder; name a file")
    if not output.parent.is_dir():
        raise PipelineError(f"{output.parent}: no such folder")
    same = not is_url(job.input) and output.exists() and Path(job.input).exists() and output.samefile(job.input)
    if same:
        raise PipelineError(f"{output}: is the input itself; choose another output")
    if output.exists() and not job.overwrite:
        raise PipelineError(f"{output}: exists; --overwrite replaces it")


@contextmanager
def input_file(job: Job) -> Iterator[Path]:
    """Give the path of the input; what was fetched for it is gone afterwards."""
    if not is_url(job.input):
        yield Path(job.input).absolute()
        return
    with tempfile.TemporaryDirectory(dir=programs.cache_folder("downloads")) as folder:
        yield fetch(job.input, job.quality, Path(folder))


@contextmanager
def part_file(output: Path) -> Iterator[Path]:
    """Give an unfinished file beside the output that takes its name at the end, or vanishes with any exception.

    Raises:
        PipelineError: the folder may not be written to.

    """
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        part.touch(exist_ok=False)
    except OSError as error:
        raise PipelineError(f"{output}: cannot be written ({error.strerror})") from None
    try:
        yield part
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def written_script(job: Job, media: Media, calls: list[FilterCall], folder: Path) -> Path:
    """Return the path of the job's script, written into ``folder`` unless it is the user's own.

    Raises:
        PipelineError: filters for an interlaced picture.

    """
    if job.script is not None:
        return job.script.absolute()
    if media.picture.interlaced:
        raise PipelineError(
            f"{media.path}: is interlaced; filters need whole frames: deinterlace it in a --script of your own, "
            "or clear a wrong flag there with std.SetFieldBased(0)"
        )
    script = folder / "restore.vpy"
    script.write_text(text_for(media, calls), encoding="utf-8")
    return script


def text_for(media: Media, calls: list[FilterCall]) -> str:
    """Return the script that applies the calls to the picture of ``media``."""
    track = None if media.picture.first else media.picture.index
    return script_text(media.path, calls, track, programs.cache_folder("index"))


def encode(task: Task, part: Path, count: Callable[[int, int], None]) -> Encoded:
    """Run vspipe into ffmpeg and return what the script gave.

    Raises:
        PipelineError: the script cannot be evaluated, its picture does not suit the encoder, or the disk is full.
        RunError: vspipe or ffmpeg failed.

    """
    first = task.work / "first.json"
    running: list[Program] = []
    with stopping(running):
        counter = FrameCounter(count)
        sender = Program(
            vspipe_command(task, first), stdout=-1, environment=programs.environment(), hear=counter
        )
        running.append(sender)
        wait_for(first.exists, running)
        if not first.exists():
            check_exit("vspipe", sender)
            raise RunError(f"vspipe ended without a frame: {sender.words()}")
        facts = json.loads(first.read_text(encoding="utf-8"))
        picture = tags.from_props(facts["props"])
        taker = Program(ffmpeg_command(task, picture, part), stdin=sender.process.stdout, environment=programs.environment())
        running.append(taker)
        assert sender.process.stdout is not None
        sender.process.stdout.close()
        wait_for(lambda: False, running)
        # A taker that fails breaks the pipe, so its words count first.
        taker_failed = bool(taker.poll())
        if not taker_failed:
            wait_for(lambda: False, [sender])
        check_exit("ffmpeg", taker)
        check_exit("vspipe", sender)
    return _encoded(facts, picture, task.work / "frames.json")


def vspipe_command(task: Task, first: Path) -> list[str]:
    """Return the command that renders the script of the task as y4m to stdout."""
    arguments = {
        "script": task.script, "source": task.media.path, "encoder": task.job.encoder, "report": first,
    }  # fmt: skip
    passed = [word for key, value in arguments.items() for word in ("-a", f"{key}={value}")]
    requests = (os.cpu_count() or 1) + LOOK_AHEAD
    properties = str(task.work / "frames.json")
    return [
        programs.vspipe(), "-c", "y4m", "-p", "-r", str(requests), "-j", properties, *passed, str(DELIVERY), "-",
    ]  # fmt: skip


def ffmpeg_command(task: Task, picture: tags.Tags, part: Path) -> list[str]:
    """Return the command that encodes y4m from stdin together with the other streams of the source.

    Raises:
        PipelineError: an interlaced picture for an encoder that has no interlaced mode.

    """
    job = task.job
    if picture.fields and not ENCODERS[job.encoder].interlaced:
        raise PipelineError(f"--encoder {job.encoder}: the clip is interlaced; deinterlace it, or use x264 or ffv1")
    return [
        *_ffmpeg(), *tags.input_options(picture), "-f", "yuv4mpegpipe", *_inputs(task, "pipe:0"),
        *encoder_options(job.encoder, job.crf, job.preset), "-vf", tags.filters(picture), *tags.output_options(picture),
        *_outputs(task), *job.ffmpeg_args, "-f", task.container.muxer, str(part),
    ]  # fmt: skip


def set_times(task: Task, part: Path, encoded: Encoded) -> None:
    """Give the frames in ``part`` their true times when they do not come at a constant rate."""
    if timestamps.is_constant(encoded.durations, encoded.rate):
        return
    base = timestamps.fitting_time_base(task.media.picture.time_base)
    retimed, joined = part.with_suffix(".retimed"), part.with_suffix(".joined")
    try:
        timestamps.retime(part, retimed, task.container.muxer, encoded.durations, base)
        # Matroska and MP4 keep the shape of the samples beside the stream, where PyAV does not put it.
        shape = ["-aspect", f"{encoded.shape.numerator}:{encoded.shape.denominator}"] if encoded.shape else []
        copied = ["-c:v:0", "copy", *shape, *_outputs(task), "-f", task.container.muxer, str(joined)]
        complete("ffmpeg", [*_ffmpeg(), *_inputs(task, str(retimed)), *copied])
        joined.replace(part)
    finally:
        retimed.unlink(missing_ok=True)
        joined.unlink(missing_ok=True)


def _ffmpeg() -> list[str]:
    return [programs.ffmpeg(), "-hide_banner", "-nostdin", "-y", "-v", "warning"]


def _inputs(task: Task, picture: str) -> list[str]:
    offset = ["-itsoffset", f"{float(task.media.picture.start):.6f}"] if task.media.picture.start else []
    return [*offset, "-i", picture, "-i", str(task.media.path), "-map", "0:v:0"]


def _outputs(task: Task) -> list[str]:
    tag = ["-tag:v:0", "hvc1"] if task.job.encoder == "x265" and task.container.muxer != "matroska" else []
    return [*tag, *task.plan.options, *picture_metadata(task.media.picture.metadata), "-max_muxing_queue_size", "9999"]


def _encoded(facts: dict[str, Any], picture: tags.Tags, properties: Path) -> Encoded:
    rate = Fraction(facts["fps"][0], facts["fps"][1] or 1)
    shape = picture.sar * Fraction(*facts["size"]) if picture.sar is not None else None
    return Encoded(rate, shape, timestamps.read_durations(properties, rate))
