"""When a file of :mod:`tests.faults.odd_media` turns white, and when its tone begins, as a player would have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

WHITE = 180  # of 255, on average
LOUD = 0.15  # of the whole; the tone has half
WINDOW = 0.002  # seconds; the tone's period is half of that


@dataclass(frozen=True)
class Played:
    """What a player shows and lets hear, in seconds on the file's own clock."""

    times: list[float]
    white: float | None
    tone: float | None
    sounds: int

    @property
    def lag(self) -> float | None:
        """By how much the tone begins after the white."""
        return None if self.white is None or self.tone is None else self.tone - self.white


def played(path: Path) -> Played:
    """Decode a file with FFmpeg's libraries."""
    times, whites = [], []
    with av.open(f"file:{path}") as container:
        pictures = [stream for stream in container.streams.video if not stream.disposition]
        stream = (pictures or container.streams.video)[0]
        rate = stream.codec_context.framerate or stream.average_rate or 25
        for frame in _decoded(container, stream):
            times.append(len(times) / float(rate) if frame.pts is None else float(frame.pts * frame.time_base))
            whites.append(frame.to_ndarray(format="gray").mean() > WHITE)
        sounds = len(container.streams.audio)
    return Played(times, _begins(times, whites), _tone(path) if sounds else None, sounds)


def _tone(path: Path) -> float | None:
    times, louds = [], []
    with av.open(f"file:{path}") as container:
        at = None
        for frame in _decoded(container, container.streams.audio[0]):
            wave, rate = _wave(frame), frame.sample_rate
            at = at if frame.pts is None and at is not None else float((frame.pts or 0) * (frame.time_base or 0))
            step = max(int(rate * WINDOW), 1)
            for start in range(0, len(wave), step):
                loud = np.flatnonzero(wave[start : start + step] > LOUD)
                times.append(at + (start + (loud[0] if len(loud) else 0)) / rate)
                louds.append(len(loud) > 0)
            at += len(wave) / rate
    return _begins(times, louds)


def _begins(times: list[float], signs: list[bool]) -> float | None:
    """Return when the longest stretch with a sign begins."""
    stretches, start = [(0, -1)], None
    for place, sign in enumerate([*signs, False]):
        if sign and start is None:
            start = place
        elif not sign and start is not None:
            stretches.append((place - start, start))
            start = None
    length, first = max(stretches, key=lambda stretch: stretch[0])
    return times[first] if length else None


def _wave(frame: av.AudioFrame) -> np.ndarray:
    """Return the first channel's distance from silence, of the whole."""
    samples = frame.to_ndarray()
    channels = frame.layout.nb_channels
    first = samples[0] if frame.format.is_planar else samples.reshape(-1, channels)[:, 0]
    if first.dtype == np.uint8:
        return np.abs(first.astype(float) - 128) / 128
    scale = 1.0 if np.issubdtype(first.dtype, np.floating) else float(np.iinfo(first.dtype).max)
    return np.abs(first.astype(float)) / scale


def _decoded(container: object, stream: object) -> Iterator[object]:
    with suppress(av.error.FFmpegError):
        for packet in container.demux(stream):
            if not packet.size and packet.dts is not None:
                continue  # stands for the frame before it
            with suppress(av.error.FFmpegError):
                yield from packet.decode()
