"""VHS by other hands: lines out of place, tracking band, drop-outs, smeared chroma, noise, and all of them together."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from .ink import Frames

Damage = Callable[[Frames, np.random.Generator], Frames]
_YIQ = np.array([(0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)])
_RGB = np.linalg.inv(_YIQ)
_MHZ = 2 / 13.5
"""Of a frequency in MHz: its part of the highest that 13.5 million samples a second hold, at 704 px a line."""

Lines = NDArray[np.float64]
"""(H, W, 3) Y, I and Q of one frame."""


def _each(frames: Frames, change: Callable[[Lines, int], Lines]) -> Frames:
    done = [change(frame.astype(np.float64) @ _YIQ.T, n) @ _RGB.T for n, frame in enumerate(frames)]
    return np.clip(np.stack(done), 0, 1).astype(np.float32)


def _moved(lines: Lines, px: NDArray[np.float64]) -> Lines:
    """Return lines each moved to the right by its own px, (H,), with what lies beyond repeated."""
    rows, columns = np.mgrid[: lines.shape[0], : lines.shape[1]]
    place = np.stack([rows, columns - px[:, None]])
    return np.stack([ndimage.map_coordinates(lines[..., c], place, order=3, mode="nearest") for c in range(3)], axis=-1)


def out_of_place(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) from a player whose drum swings: lines follow a damped spring, kicked all the time.

    The two fields run apart, and below the head switch the lines stand far off.
    """
    height, width = frames.shape[1:3]
    wide, ring, fine = rng.uniform(0.2, 1.2), rng.uniform(0.7, 0.97), rng.uniform(0.1, 0.4)
    jump, switch = rng.uniform(4, 30) * rng.choice([-1, 1]), int(rng.integers(4, 11) * height / 480)

    def change(lines: Lines, _: int) -> Lines:
        px = np.zeros(height)
        for field in (0, 1):
            count = len(px[field::2])
            poles = [1, -2 * ring * np.cos(rng.uniform(0.02, 0.2)), ring**2]
            swing = signal.lfilter([1], poles, rng.normal(0, 1, count))
            px[field::2] = wide * (swing - np.mean(swing)) / np.std(swing) + rng.normal(0, fine, count)
        px[height - switch :] += jump * np.linspace(0.3, 1, switch) + rng.normal(0, 1, switch)
        return _moved(lines, px * width / 720)

    return _each(frames, change)


def tracking(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) with a band of mistracking that creeps up or down: hiss in dashes, torn lines."""
    height, width = frames.shape[1:3]
    tall, creep = rng.uniform(0.04, 0.14) * height, rng.uniform(-0.02, 0.02) * height
    middle, strength = rng.uniform(0.2, 0.9) * height, rng.uniform(0.5, 1)

    def change(lines: Lines, n: int) -> Lines:
        far = np.abs(np.arange(height) - middle - creep * n) / (tall / 2)
        inside = np.clip(1.5 * (1 - far), 0, 1) * strength
        lines = _moved(lines, inside * rng.normal(0, 6, height) * width / 720)
        hiss = np.asarray(ndimage.gaussian_filter1d(rng.standard_normal((height, width)), rng.uniform(1, 5), axis=1))
        hiss = hiss / hiss.std() > 1.6 - 1.4 * inside[:, None]
        dashes = (hiss & (inside[:, None] > 0.05)).astype(np.float64) * np.sqrt(inside)[:, None]
        lines[..., 0] += dashes * (rng.uniform(0.5, 1, (height, 1)) - lines[..., 0])
        lines[..., 1:] *= (1 - 0.9 * inside)[:, None, None]
        return lines

    return _each(frames, change)


def dropped_out(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) with drop-outs: pieces of lines go white or grey and come back in a comet's tail."""
    height, width = frames.shape[1:3]
    rate = rng.uniform(1, 8)

    def change(lines: Lines, _: int) -> Lines:
        for _ in range(int(rng.poisson(rate))):
            row, start = int(rng.integers(height)), int(rng.integers(width))
            length = int(rng.gamma(1.5, 0.1 * width)) + 4
            level, late = (rng.uniform(0.75, 1.1) if rng.random() < 0.7 else rng.uniform(0, 0.4)), rng.uniform(2, 12)
            for line in range(row, min(row + 2 * int(rng.integers(1, 3)), height), 2):
                x = np.arange(width)
                hidden = np.where(x < start, 0, np.where(x < start + length, 1, np.exp((start + length - x) / late)))
                hidden = hidden * np.clip(1 + 0.3 * rng.standard_normal(width), 0, 1)
                lines[line, :, 0] += hidden * (level - lines[line, :, 0])
                lines[line, :, 1:] *= 1 - hidden[:, None]
        return lines

    return _each(frames, change)


def smeared(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) with the bands of VHS: Butterworth filters, late chroma, peaked edges, noise."""
    width = frames.shape[2]
    scale = 704 / width
    luma = signal.butter(3, min(rng.uniform(2.4, 3.2) * _MHZ * scale, 0.95))
    chroma = signal.butter(2, rng.uniform(0.35, 0.6) * _MHZ * scale)
    late, low, peak = rng.uniform(1, 5) / scale, int(rng.integers(0, 3)), rng.uniform(0, 0.6)
    hiss, blotch = rng.uniform(0.008, 0.03), rng.uniform(0.01, 0.035)

    def change(lines: Lines, _: int) -> Lines:
        sharp = signal.filtfilt(*luma, lines[..., 0], axis=1)
        sharp = sharp + peak * (sharp - ndimage.gaussian_filter1d(sharp, 2 / scale, axis=1))
        noise = np.diff(rng.normal(0, hiss, (lines.shape[0], width + 1)), axis=1)
        colour = lines[..., 1:] + 0.0
        cloudy = rng.normal(0, 1, colour.shape)
        cloudy = ndimage.gaussian_filter(cloudy, (0.7, 4 / scale, 0))
        colour = signal.filtfilt(*chroma, colour, axis=1)
        colour = ndimage.shift(colour, (low, late, 0), order=1, mode="nearest") + blotch * cloudy / cloudy.std()
        return np.concatenate([(sharp + noise)[..., None], colour], axis=-1)

    return _each(frames, change)


def colourless(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) that lose their chroma, or have a wrong hue, in bands that last a few frames."""
    height = frames.shape[1]
    bands = [(rng.uniform(0, height), rng.uniform(0.02, 0.2) * height, rng.uniform(-1.2, 1.2)) for _ in range(4)]

    def change(lines: Lines, _: int) -> Lines:
        rows = np.arange(height)
        for middle, tall, turn in bands:
            if rng.random() < 0.6:
                inside = 1 / (1 + np.exp((np.abs(rows - middle) - tall / 2) / 2))[:, None]
                colour = (lines[..., 1] + 1j * lines[..., 2]) * (1 - inside * (1 - 0.25 * np.exp(1j * turn)))
                lines[..., 1], lines[..., 2] = colour.real, colour.imag
        return lines

    return _each(frames, change)


def all_together(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) as a worn VHS tape gives them."""
    frames = smeared(frames, rng)
    if rng.random() < 0.5:
        frames = colourless(frames, rng)
    for lay in (dropped_out, tracking, out_of_place):
        frames = lay(frames, rng)
    return frames


KINDS: MappingProxyType[str, Damage] = MappingProxyType(
    {
        "lines out of place": out_of_place,
        "tracking band": tracking,
        "drop-outs": dropped_out,
        "bands and noise": smeared,
        "chroma lost": colourless,
        "all together": all_together,
    }
)
"""Damage by kind; each takes frames (T, H, W, 3) in [0, 1] and a generator that it draws from."""
