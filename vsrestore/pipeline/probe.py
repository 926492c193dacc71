"""What a media file holds, read with PyAV."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from .errors import PipelineError

# A container may announce a little more than its packets last.
SPARE = Fraction(1, 4)
SPARE_FRAMES = 2
COVER = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass(frozen=True)
class Track:
    """One stream that is not the picture to be restored.

    Attributes:
        index: number of the stream in the file.
        kind: "audio", "subtitle", "attachment", "cover", "video" or "data".
        codec: name as ffmpeg's tables have it; "unknown" where there is none.
        metadata: language, title, filename and the like.

    """

    index: int
    kind: str
    codec: str
    metadata: dict[str, str]


@dataclass(frozen=True)
class Picture:
    """The video stream to be restored.

    Attributes:
        index: number of the stream in the file.
        first: whether it is the first video stream of the file.
        width: in samples.
        height: in samples.
        sar: shape of a sample, 1 where the file does not say.
        colour: H.273 numbers by name ("matrix", "primaries", "transfer"), "range" (1 limited, 2 full) and "chroma"
            (ffmpeg's number); 0 or 2 where the file does not say.
        interlaced: what the first decoded frame says.
        start: seconds from the start of the file.
        frames: number of frames as the file states it, 0 where it does not.
        time_base: seconds of one tick.
        metadata: language, title and the like.

    """

    index: int
    first: bool
    width: int
    height: int
    sar: Fraction
    colour: dict[str, int]
    interlaced: bool
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

    """
    if not path.exists():
        raise PipelineError(f"{path}: no such file")
    if path.is_dir():
        raise PipelineError(f"{path}: is a folder; a video file or a URL is accepted")
    if not path.stat().st_size:
        raise PipelineError(f"{path}: the file is empty")
    try:
        with av.open(str(path)) as container:
            return _media(path, container)
    except av.error.PermissionError:
        raise PipelineError(f"{path}: may not be read; check its permissions") from None
    except av.error.FFmpegError as error:
        raise PipelineError(f"{path}: is no video file that can be read ({_reason(error)})") from None


def loss(media: Media) -> str | None:
    """Return a sentence when the file announces more than it holds, as one does whose end is missing, else None."""
    held, end = _held(media)
    announced = media.picture.frames
    if announced > held + SPARE_FRAMES:
        return f"the source announces {announced} frames but holds {held}; its end is missing"
    if media.duration is not None and media.duration - end > SPARE:
        return (
            f"the source announces {float(media.duration):.2f} s but ends after {float(end):.2f} s; its end is missing"
        )
    return None


def packet_times(path: Path, index: int) -> list[Fraction]:
    """Return when the frames of a video stream are shown, in seconds of the file's clock, sorted."""
    with av.open(str(path)) as container:
        stream = container.streams[index]
        ticks = [packet.pts for packet in container.demux(stream) if packet.pts is not None and not packet.is_discard]
        base = _exact(stream.time_base)
    return [tick * base for tick in sorted(ticks)]


def packets_span(path: Path, index: int) -> Fraction | None:
    """Return the seconds from the first packet's start to the last packet's end, None for a stream without packets."""
    with av.open(str(path)) as container:
        stream = container.streams[index]
        packets = [(packet.pts, packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None]
        if not packets:
            return None
        base = _exact(stream.time_base)
    first = min(pts for pts, _ in packets)
    last = max(pts + length for pts, length in packets)
    lasting = [later - earlier for earlier, later in pairwise(sorted(pts for pts, _ in packets))]
    end_without_length = max(pts for pts, _ in packets) + (lasting[-1] if lasting else 0)
    return (max(last, end_without_length) - first) * base


def first_packet(path: Path, index: int) -> Fraction:
    """Return when the first packet of a stream starts, in seconds from the start of the file.

    That holds for copies in any container, while the announced start of an audio stream may or may not count the
    encoder's priming.
    """
    with av.open(str(path)) as container:
        zero = Fraction(container.start_time or 0, av.time_base)
        for packet in container.demux(container.streams[index]):
            if packet.pts is not None:
                return packet.pts * _exact(packet.time_base) - zero
    return Fraction(0)


def cover_picture(path: Path, index: int) -> bytes:
    """Return the picture file that a stream of kind "cover" holds."""
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams[index]):
            if packet.size:
                return bytes(packet)
    return b""


def _held(media: Media) -> tuple[int, Fraction]:
    """Return how many packets the picture has, and when the last one of any stream ends, in seconds from the start."""
    packets, end = 0, Fraction(0)
    with av.open(str(media.path)) as container:
        zero = Fraction(container.start_time or 0, av.time_base)
        for packet in container.demux():
            packets += packet.stream_index == media.picture.index and packet.size > 0
            if packet.pts is not None:
                end = max(end, (packet.pts + (packet.duration or 0)) * _exact(packet.time_base))
    return packets, end - zero


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
    return Track(stream.index, "cover" if covered else stream.type, codec, dict(stream.metadata))


def _picture(path: Path, container: Any, stream: Any, zero: Fraction) -> Picture:
    frame = _first_frame(path, container, stream)
    context = stream.codec_context
    return Picture(
        index=stream.index,
        first=stream.index == container.streams.video[0].index,
        width=context.width,
        height=context.height,
        sar=_exact(stream.sample_aspect_ratio) or Fraction(1),
        colour={
            "range": int(context.color_range),
            "matrix": int(context.colorspace),
            "primaries": int(context.color_primaries),
            "transfer": int(context.color_trc),
            "chroma": int(context.chroma_sample_location),
        },
        interlaced=bool(frame.interlaced_frame),
        start=_start(stream, zero),
        frames=stream.frames,
        time_base=_exact(stream.time_base),
        metadata=dict(stream.metadata),
    )


def _first_frame(path: Path, container: Any, stream: Any) -> Any:
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                return frame
        except av.error.InvalidDataError:
            continue
    raise PipelineError(f"{path}: not one frame of its video can be decoded")


def _start(stream: Any, zero: Fraction) -> Fraction:
    return Fraction(0) if stream.start_time is None else stream.start_time * _exact(stream.time_base) - zero


def _exact(rational: Any) -> Fraction:
    """PyAV's rationals may be 0/0 or missing where a file says nothing; that is 0 here."""
    return Fraction(rational.numerator, rational.denominator) if rational and rational.denominator else Fraction(0)


def _reason(error: av.error.FFmpegError) -> str:
    return error.strerror or type(error).__name__
