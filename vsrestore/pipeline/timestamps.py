"""The true times of the frames: y4m knows a constant rate only, so others are given to the encoded video."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median_low
from typing import Any

import av

from vsrestore import ffmpeg
from vsrestore.interrupts import check
from vsrestore.video.props import duration_of

from .errors import RunError
from .run import FULL, disk_full

# Matroska keeps whole milliseconds; a constant rate that went through it deviates by up to one.
TOLERANCE = Fraction(101, 100_000)
FINEST_NEEDED = 10_000
GOOD_TIME_BASE = Fraction(1, 90_000)


class FrameTimes:
    """How long frames are shown, read from the properties that vspipe writes (one JSON line each) as they come.

    Args:
        path: of the file that vspipe writes; it need not be there yet.

    """

    def __init__(self, path: Path) -> None:
        self._path, self._place, self._rest = path, 0, b""
        self._durations: list[Fraction | None] = []

    def take(self, count: int) -> list[Fraction | None] | None:
        """Return the seconds of the next ``count`` frames, None for each that has none; None while they are not there.

        The line of a frame is written with that of the next, and lines some at a time.
        """
        if len(self._durations) < count:
            self._read()
        if len(self._durations) < count:
            return None
        first, self._durations = self._durations[:count], self._durations[count:]
        return first

    def _read(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._place)
            *lines, self._rest = (self._rest + file.read()).split(b"\n")
            self._place = file.tell()
        rows = (line.strip().rstrip(b",") for line in lines)
        self._durations += [duration_of(json.loads(row)) for row in rows if row not in (b"", b"[", b"]")]


def filled(durations: Sequence[Fraction | None], rate: Fraction) -> list[Fraction]:
    """Return durations in which a frame that had none (source filters leave the last one open) lasts as long as most.

    Where no frame has one, each lasts 1 / ``rate``.
    """
    known = [duration for duration in durations if duration is not None]
    usual = median_low(known) if known else 1 / rate if rate else Fraction(0)
    return [usual if duration is None else duration for duration in durations]


def is_constant(durations: Sequence[Fraction], rate: Fraction) -> bool:
    """Tell whether frame n starts n / rate seconds after the first one, to a millisecond."""
    if not rate:
        return len(durations) < 2
    starts = accumulate(durations[:-1], initial=Fraction(0))
    return all(abs(start - number / rate) <= TOLERANCE for number, start in enumerate(starts))


def fitting_time_base(source: Fraction) -> Fraction:
    """Return the time base of the source where it is fine enough, else 1/90000 s."""
    return source if source.numerator == 1 and source.denominator >= FINEST_NEEDED else GOOD_TIME_BASE


def retimed_stamps(order: Sequence[int], starts: Sequence[int]) -> list[tuple[int, int]]:
    """Return (pts, dts) for packets in coding order.

    A packet is decoded when the picture is due that stands as many places earlier in showing order as B-frames make
    necessary; before the first picture the decoding times go on backwards in steps of the shortest frame.

    Args:
        order: for each packet its place in showing order.
        starts: when each place is shown, rising.

    """
    delay = max((position - place for position, place in enumerate(order)), default=0)
    step = min((later - earlier for earlier, later in pairwise(starts)), default=1)
    lead = [starts[0] - step * (delay - position) for position in range(min(delay, len(order)))]
    decoded = [*lead, *starts[: len(order) - len(lead)]]
    return [(starts[place], dts) for place, dts in zip(order, decoded, strict=True)]


def write_joined(
    segments: Sequence[Path], joined: Path, muxer: str, starts: Sequence[Fraction], base: Fraction
) -> None:
    """Copy the video streams of files, one after the other, into one file, with the times that their frames have.

    Args:
        segments: each begins with a key frame and needs no other; in coding order, pts rising in showing order.
        joined: is written.
        muxer: ffmpeg's name of its container.
        starts: when each frame is shown, in seconds, and when the last one ends.
        base: seconds of one tick of the times.

    Raises:
        RunError: the files do not hold as many frames, were encoded otherwise than the first, or cannot be joined.

    """
    ticks = [round(start / base) for start in starts]
    order = [place for places in _orders(segments) for place in places]
    if len(order) != len(ticks) - 1:
        raise RunError(f"the encoder gave {len(order)} frames for {len(ticks) - 1}; their times cannot be set")
    stamps = zip(order, retimed_stamps(order, ticks[:-1]), strict=True)
    with _written(joined, muxer) as target:
        stream: Any = None
        for segment in segments:
            with ffmpeg.open_media(segment) as source:
                picture = source.streams.video[0]
                stream = _stream_like(picture, target, base) if stream is None else _checked(stream, picture, segment)
                for packet in _packets(source):
                    place, (pts, dts) = next(stamps)
                    packet.stream, packet.time_base = stream, base
                    packet.pts, packet.dts, packet.duration = pts, dts, ticks[place + 1] - pts
                    target.mux(packet)


def _stream_like(picture: Any, target: Any, base: Fraction) -> Any:
    stream = target.add_stream_from_template(picture, opaque=True)
    stream.time_base = base
    return stream


def _checked(stream: Any, picture: Any, segment: Path) -> Any:
    """Players read the parameters of the encoder once, at the beginning."""
    if stream.codec_context.extradata != picture.codec_context.extradata:
        raise RunError(f"{segment.name}: was encoded with other parameters than the first segment; give --restart")
    return stream


def _packets(container: Any) -> Iterator[Any]:
    for packet in container.demux(container.streams.video[0]):
        check()
        if packet.pts is not None:
            yield packet


def _orders(segments: Sequence[Path]) -> Iterator[list[int]]:
    """Yield, for the packets of each file, their places in showing order, counted through all files."""
    before = 0
    for segment in segments:
        with ffmpeg.open_media(segment) as container:
            stamps = [packet.pts for packet in _packets(container)]
        places = {pts: before + place for place, pts in enumerate(sorted(stamps))}
        yield [places[pts] for pts in stamps]
        before += len(stamps)


@contextmanager
def _written(path: Path, muxer: str) -> Iterator[Any]:
    try:
        with av.open(ffmpeg.file_url(path), "w", format=muxer) as target:
            yield target
    except (OSError, av.error.FFmpegError) as error:
        words = f"the segments cannot be joined ({error.strerror or error})"
        raise RunError(f"{FULL}; {words}" if disk_full(words) else words) from None
