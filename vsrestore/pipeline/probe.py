"""What a media file holds, read with PyAV."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from vsrestore.ffmpeg import open_media

from .errors import PipelineError

CHROMA_COMPONENT = 2
COVER = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass(frozen=True)
class Track:
    """One stream that is not the picture to be restored.

    Attributes:
        index: number of the stream in the file.
        kind: "audio", "subtitle", "attachment", "cover", "video" or "data".
        codec: name as ffmpeg's tables have it; "unknown" where there is none.
        metadata: language, title, filename and the like.
        sized: whether a cover picture's size is known; else it is none that can be read.

    """

    index: int
    kind: str
    codec: str
    metadata: dict[str, str]
    sized: bool = True


@dataclass(frozen=True)
class Picture:
    """The video stream to be restored.

    Attributes:
        index: number of the stream in the file.
        first: whether it is the first video stream of the file.
        width: in samples.
        height: in samples.
        chroma_step: (across, down), how many samples share one of chroma.
        alpha: whether it is transparent in places.
        sar: shape of a sample, 1 where the file does not say.
        coded_sar: what the stream says of it itself, where its container may say something else.
        colour: H.273 numbers by name ("matrix", "primaries", "transfer"), "range" (1 limited, 2 full) and "chroma"
            (ffmpeg's number); 0 or 2 where the file does not say.
        start: seconds from the start of the file.
        frames: number of frames as the file states it, 0 where it does not.
        time_base: seconds of one tick.
        metadata: language, title and the like.

    """

    index: int
    first: bool
    width: int
    height: int
    chroma_step: tuple[int, int]
    alpha: bool
    sar: Fraction
    coded_sar: Fraction
    colour: dict[str, int]
    start: Fraction
    frames: int
    time_base: Fraction
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Media:
    """A media file.

    Attributes:
        path: where it is.
        picture: the video stream to be restored.
        tracks: the other streams.
        chapters: how many there are.
        zero: where the file starts on its own clock, in seconds.
        duration: how long the file says it is, in seconds.

    """

    path: Path
    picture: Picture
    tracks: tuple[Track, ...]
    chapters: int
    zero: Fraction
    duration: Fraction | None

    def of_kind(self, kind: str) -> tuple[Track, ...]:
        """Return the tracks of one kind."""
        return tuple(track for track in self.tracks if track.kind == kind)


def probe(path: Path) -> Media:
    """Return what the file holds.

    Raises:
        PipelineError: the file is missing, empty, no media file, without video, or none of its video can be decoded.
        FFmpegError: its name is not UTF-8.

    """
    try:
        if not path.exists():
            raise PipelineError(f"{path}: no such file")
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read ({error.strerror})") from None
    if path.is_dir():
        raise PipelineError(f"{path}: is a folder; a video file or a URL is accepted")
    if not path.stat().st_size:
        raise PipelineError(f"{path}: the file is empty")
    try:
        with open_media(path) as container:
            return _media(path, container)
    except av.error.PermissionError:
        raise PipelineError(f"{path}: may not be read; check its permissions") from None
    except av.error.FFmpegError as error:
        raise PipelineError(f"{path}: is no video file that can be read ({_reason(error)})") from None


def cover_picture(path: Path, index: int) -> bytes:
    """Return the picture file that a stream of kind "cover" holds."""
    with open_media(path) as container:
        for packet in container.demux(container.streams[index]):
            if packet.size:
                return bytes(packet)
    return b""


def exact(rational: Any) -> Fraction:
    """Return one of PyAV's rationals, which may be 0/0 or missing where a file says nothing; that is 0 here."""
    return Fraction(rational.numerator, rational.denominator) if rational and rational.denominator else Fraction(0)


def _media(path: Path, container: Any) -> Media:
    pictures = [stream for stream in container.streams.video if not Disposition(stream.disposition) & COVER]
    if not pictures:
        raise PipelineError(f"{path}: has no video stream; vsrestore restores pictures")
    chosen = pictures[0]
    zero = Fraction(container.start_time or 0, av.time_base)
    tracks = tuple(_track(stream) for stream in container.streams if stream.index != chosen.index)
    chapters = len(container.chapters())
    duration = Fraction(container.duration, av.time_base) if container.duration else None
    return Media(path, _picture(path, container, chosen, zero), tracks, chapters, zero, duration)


def _track(stream: Any) -> Track:
    covered = stream.type == "video" and Disposition(stream.disposition) & COVER
    codec = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
    sized = not covered or bool(stream.codec_context and stream.codec_context.width)
    return Track(stream.index, "cover" if covered else stream.type, codec, dict(stream.metadata), sized)


def _picture(path: Path, container: Any, stream: Any, zero: Fraction) -> Picture:
    _check_decodes(path, container, stream)
    context = stream.codec_context
    return Picture(
        index=stream.index,
        first=stream.index == container.streams.video[0].index,
        width=context.width,
        height=context.height,
        chroma_step=_chroma_step(context.format),
        alpha=bool(context.format) and any(component.is_alpha for component in context.format.components),
        sar=exact(stream.sample_aspect_ratio) or Fraction(1),
        coded_sar=exact(context.sample_aspect_ratio) or Fraction(1),
        colour={
            "range": int(context.color_range),
            "matrix": int(context.colorspace),
            "primaries": int(context.color_primaries),
            "transfer": int(context.color_trc),
            "chroma": int(context.chroma_sample_location),
        },
        start=_start(stream, zero),
        frames=stream.frames,
        time_base=exact(stream.time_base),
        metadata=dict(stream.metadata),
    )


def _chroma_step(form: Any) -> tuple[int, int]:
    """Return how many samples across and down share one of chroma; PyAV tells the size of planes rounded up."""
    if form is None or len(form.components) < CHROMA_COMPONENT + 1:
        return 1, 1
    many = 64
    return many // form.chroma_width(many), many // form.chroma_height(many)


def _check_decodes(path: Path, container: Any, stream: Any) -> None:
    for packet in container.demux(stream):
        with suppress(av.error.FFmpegError):
            if packet.decode():
                return
    raise PipelineError(f"{path}: not one frame of its video can be decoded")


def _start(stream: Any, zero: Fraction) -> Fraction:
    return Fraction(0) if stream.start_time is None else stream.start_time * exact(stream.time_base) - zero


def _reason(error: av.error.FFmpegError) -> str:
    return error.strerror or type(error).__name__
