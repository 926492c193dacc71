"""What tape does to the chroma: little bandwidth, delay and bleed, noise, hue errors, lost colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import View
from .lines import above, filter_lines, frame_rows, line_noise, tail
from .noise import Array, ar1, events, gaussian, generator, mean_duration
from .ranges import ranged

BAND_DURATIONS = (2, 60)
"""Fewest and most frames that a band without colour lasts."""


@dataclass(frozen=True, kw_only=True)
class Bandwidth:
    """The band limits of the recording, as Gaussians along the line.

    luma: sigma in px, 0 = off; VHS 0.6-0.9 (3-2.4 MHz), Hi8 0.4.
    chroma: sigma in px, 0 = off; colour-under 3.5-6 (0.5-0.3 MHz).
    generations: how often chroma was averaged with the line above in its field, as each copy does.
    """

    luma: float = ranged(0.0, 0, 1.5)
    chroma: float = ranged(0.0, 0, 6)
    generations: int = ranged(0, 0, 5)


@dataclass(frozen=True, kw_only=True)
class ChromaShift:
    """Chroma that does not lie where its luma is.

    right: delay in px (1-8; 0.1-0.6 us). down: lines of the frame, an even number is whole lines of a field.
    wander: standard deviation in px of the slow change from frame to frame, only where `right` is not 0.
    bleed: length in px of the one-sided tail to the right, 0 = off.
    """

    right: float = ranged(0.0, -8, 8)
    down: int = ranged(0, 0, 4)
    wander: float = ranged(0.2, 0, 1)
    bleed: float = ranged(0.0, 0, 8)


@dataclass(frozen=True, kw_only=True)
class ChromaFaults:
    """Noise and errors of hue and amplitude in the chroma.

    noise: standard deviation in U and V, 0 = off; 0.01 / 0.04 / 0.12. size: its correlation in px along the line.
    hue: constant error in degrees. hue_jitter: standard deviation in degrees of the error from line to line.
    alternate: the errors of hue change their sign from line to line of a field, as PAL has them (Hanover bars).
    saturation: 1 = unchanged; worn tapes 0.3-0.8.
    killer: mean bands per frame, 5-60 lines high, whose colour the player has switched off; new in each frame.
    loss: mean runs per field that lose colour from somewhere to the end of the line, 1-3 lines high.
    bands: mean soft bands at a time, 2-60 frames long, that lose colour in part. band_hue: degrees by which they turn
        the rest at most.
    """

    noise: float = ranged(0.0, 0, 0.12)
    size: float = ranged(4.5, 1, 6)
    hue: float = ranged(0.0, -10, 10)
    hue_jitter: float = ranged(0.0, 0, 15)
    saturation: float = ranged(1.0, 0.3, 1.8)
    loss: float = ranged(0.0, 0, 40)
    alternate: bool = False
    killer: float = ranged(0.0, 0, 3)
    bands: float = ranged(0.0, 0, 4)
    band_hue: float = ranged(0.0, 0, 90)


def limit_bands(planes: Array, bandwidth: Bandwidth, view: View) -> Array:
    """Return planes (H, W, 3) with the bandwidth of the tape."""
    luma, chroma = planes[..., :1], planes[..., 1:]
    if bandwidth.luma > 0:
        luma = _blurred(luma, bandwidth.luma * view.scale)
    if bandwidth.chroma > 0:
        chroma = _blurred(chroma, bandwidth.chroma * view.scale)
    for _ in range(bandwidth.generations):
        chroma = np.float32(0.5) * (chroma + above(chroma, 1))
    return np.concatenate([luma, chroma], axis=-1)


def shift_chroma(planes: Array, seed: int, frame: int, shift: ChromaShift, view: View) -> Array:
    """Return planes (H, W, 3) with the chroma delayed and bleeding to the right."""
    chroma = planes[..., 1:]
    if shift.bleed > 0:
        chroma = filter_lines(chroma, tail(shift.bleed * view.scale), 0)
    if shift.right:
        delay = (shift.right + shift.wander * float(ar1(seed, "chroma delay", frame, 1, 0.9)[0, 0])) * view.scale
        whole = math.floor(delay)
        part = np.float32(delay - whole)
        chroma = _delayed(chroma, whole) * (1 - part) + _delayed(chroma, whole + 1) * part
    if shift.down:
        rows = np.maximum(np.arange(planes.shape[0]) - shift.down, 0)
        chroma = chroma[rows]
    return np.concatenate([planes[..., :1], chroma], axis=-1)


def disturb_chroma(planes: Array, seed: int, frame: int, faults: ChromaFaults, view: View) -> Array:
    """Return planes (H, W, 3) with wrong hue and saturation, lost colour and chroma noise."""
    chroma = planes[..., 1:] * np.float32(faults.saturation)
    if faults.hue or faults.hue_jitter:
        turn = faults.hue + faults.hue_jitter * line_noise(seed, "hue", frame, view, 0.9)
        if faults.alternate:
            turn = turn * np.where(frame_rows(view) // 2 % 2 == 0, 1, -1)
        cos, sin = (f(np.radians(turn)).astype(np.float32)[:, None] for f in (np.cos, np.sin))
        u, v = chroma[..., 0], chroma[..., 1]
        chroma = np.stack([u * cos - v * sin, u * sin + v * cos], axis=-1)
    if faults.loss > 0:
        chroma = chroma * _loss(seed, frame, faults.loss, view)[..., None]
    if faults.killer > 0:
        chroma = chroma * _killed(seed, frame, faults.killer, view)[:, None, None]
    if faults.bands > 0:
        chroma = _in_bands(chroma, seed, frame, faults, view)
    if faults.noise > 0:
        chroma = chroma + np.float32(faults.noise) * chroma_noise(seed, frame, faults.size * view.scale, view)
    return np.concatenate([planes[..., :1], chroma], axis=-1)


def chroma_noise(seed: int, frame: int, sigma: float, view: View) -> Array:
    """Return unit noise (H, W, 2), as soft as `sigma` px along the line, correlated by 0.3 with the field's next."""
    kernel = gaussian(sigma)
    kernel /= math.sqrt(float(np.square(kernel).sum()) * (1 + 1 / 9))
    reach = len(kernel) // 2
    rng = generator(seed, "chroma noise", frame)
    # Two more lines above and some more px beside, so that the border is as noisy as the rest.
    noise = rng.standard_normal((view.height + 2, view.width + 2 * reach, 2), dtype=np.float32)
    noise = noise[2:] + noise[:-2] * np.float32(1 / 3)
    return filter_lines(noise, kernel, reach)[:, reach : reach + view.width]


def _blurred(planes: Array, sigma: float) -> Array:
    kernel = gaussian(sigma)
    return filter_lines(planes, kernel, len(kernel) // 2)


def _delayed(planes: Array, px: int) -> Array:
    return planes[:, np.clip(np.arange(planes.shape[1]) - px, 0, planes.shape[1] - 1)]


def _loss(seed: int, frame: int, rate: float, view: View) -> Array:
    """Return the gain of the chroma (H, W): runs of 1-3 lines of a field, from somewhere to the end of the line."""
    gain = np.ones((view.height, view.width), dtype=np.float32)
    rows, columns = frame_rows(view), np.arange(view.left, view.left + view.width)
    for parity in (0, 1):
        rng = generator(seed, "chroma loss", 2 * frame + parity)
        number = int(rng.poisson(rate))
        tops = 2 * rng.integers(0, max(view.frame_height // 2, 1), number) + parity
        heights, starts, levels = rng.integers(1, 4, number), rng.random(number) * view.frame_width, rng.random(number)
        for top, height, start, level in zip(tops, heights, starts, levels, strict=True):
            hit = (rows >= top) & (rows < top + 2 * height) & (rows % 2 == parity)
            gain[np.ix_(hit, columns >= start)] *= np.float32(0.5 * level)
    return gain


def _killed(seed: int, frame: int, rate: float, view: View) -> Array:
    """Return the gain of the chroma per row (H,): 0 in bands without colour."""
    rng = generator(seed, "colour killer", frame)
    number = int(rng.poisson(rate))
    lines = view.frame_height / 480
    heights = (5 + 55 * rng.random(number)) * lines
    tops = rng.random(number) * (view.frame_height + heights) - heights
    rows = frame_rows(view)
    dark = (rows[:, None] >= tops) & (rows[:, None] < tops + heights)
    return np.where(dark.any(axis=1), 0, 1).astype(np.float32)


def _in_bands(chroma: Array, seed: int, frame: int, faults: ChromaFaults, view: View) -> Array:
    """Return chroma (H, W, 2) as it is where bands creep over it that lose colour and turn its hue."""
    rows, signal = frame_rows(view), chroma[..., 0] + 1j * chroma[..., 1]
    for event in events(seed, "chroma band", frame, faults.bands / mean_duration(*BAND_DURATIONS), BAND_DURATIONS):
        place, size, pace, edge, left, turn = generator(seed, "chroma band place", event.number).random(6).tolist()
        height = 0.01 * 40**size * view.frame_height
        centre = place * view.frame_height + (pace - 0.5) * 0.02 * view.frame_height * (frame - event.start)
        inside = np.clip((height / 2 - np.abs(rows - centre)) / (1 + edge * height / 2) + 0.5, 0, 1)
        angle = math.radians(faults.band_hue) * (2 * turn - 1)
        signal = signal * (1 + inside * (0.7 * left * complex(math.cos(angle), math.sin(angle)) - 1))[:, None]
    return np.stack([signal.real, signal.imag], axis=-1).astype(np.float32)
