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
from vsrestore.video.props import duration_of

from .errors import RunError

# Matroska keeps whole milliseconds; a constant rate that went through it deviates by up to one.
TOLERANCE = Fraction(101, 100_000)
FINEST_NEEDED = 10_000
GOOD_TIME_BASE = Fraction(1, 90_000)
TICKS_IN_A_FRAME = 32


def read_durations(path: Path, rate: Fraction) -> list[Fraction]:
    """Return how long each frame is shown, in seconds, from the properties that vspipe wrote (one JSON line each).

    A frame without a duration (source filters leave the last one open) lasts as long as most do, where none has one
    1 / ``rate``.
    """
    durations: list[Fraction | None] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip() in "[]":
                continue
            try:
                props = json.loads(line.rstrip().rstrip(","))
            except ValueError:  # the last line of a vspipe that was ended
                break
            durations.append(duration_of(props))
    known = [duration for duration in durations if duration is not None]
    usual = median_low(known) if known else 1 / rate if rate else Fraction(0)
    return [usual if duration is None else duration for duration in durations]


def is_constant(durations: Sequence[Fraction], rate: Fraction) -> bool:
    """Tell whether frame n starts n / rate seconds after the first one, to a millisecond."""
    if not rate:
        return len(durations) < 2
    starts = accumulate(durations[:-1], initial=Fraction(0))
    return all(abs(start - number / rate) <= TOLERANCE for number, start in enumerate(starts))


def delay_options(start: Fraction, rate: Fraction) -> tuple[str, list[str]]:
    """Return the filter and the options for ffmpeg with which a constant-rate picture begins ``start`` seconds late.

    ffmpeg counts the pictures of y4m in whole frames, so an offset of a part of a frame needs finer ticks; then it must
    be kept from filling every tick with a picture.
    """
    if not start or not rate:
        return "", []
    base = 1 / (rate * TICKS_IN_A_FRAME)
    ticks = f"{base.numerator}/{base.denominator}"
    finer = ["-enc_time_base:v:0", ticks.replace("/", ":"), "-fps_mode:v:0", "passthrough"]
    return f"settb={ticks},setpts=PTS+{round(start / base)},", finer


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


def retime(encoded: Path, retimed: Path, muxer: str, durations: Sequence[Fraction], base: Fraction) -> None:
    """Copy the video stream of ``encoded`` to the file ``retimed`` with the given durations.

    Args:
        encoded: file with one video stream in coding order, its pts rising in showing order.
        retimed: is written.
        muxer: ffmpeg's name of the container of ``retimed``.
        durations: how long each frame is shown, in seconds.
        base: seconds of one tick of the new times.

    Raises:
        RunError: ``encoded`` does not hold as many frames as ``durations``, or the copy cannot be written.

    """
    ticks = [round(start / base) for start in accumulate(durations, initial=Fraction(0))]
    order = _showing_order(encoded)
    if len(order) != len(durations):
        raise RunError(f"the encoder gave {len(order)} frames for {len(durations)}; their times cannot be set")
    stamps = retimed_stamps(order, ticks[:-1])
    with ffmpeg.open_media(encoded) as source, _written(retimed, muxer) as target:
        stream = target.add_stream_from_template(source.streams.video[0], opaque=True)
        stream.time_base = base
        packets = (packet for packet in source.demux(source.streams.video[0]) if packet.pts is not None)
        for packet, place, (pts, dts) in zip(packets, order, stamps, strict=True):
            packet.stream, packet.time_base = stream, base
            packet.pts, packet.dts, packet.duration = pts, dts, ticks[place + 1] - pts
            target.mux(packet)


@contextmanager
def _written(path: Path, muxer: str) -> Iterator[Any]:
    try:
        with av.open(ffmpeg.file_url(path), "w", format=muxer) as target:
            yield target
    except (OSError, av.error.FFmpegError) as error:
        raise RunError(f"the times of the frames cannot be written ({error.strerror or error})") from None


def _showing_order(encoded: Path) -> list[int]:
    with ffmpeg.open_media(encoded) as container:
        stamps = [packet.pts for packet in container.demux(container.streams.video[0]) if packet.pts is not None]
    places = {pts: place for place, pts in enumerate(sorted(stamps))}
    return [places[pts] for pts in stamps]
