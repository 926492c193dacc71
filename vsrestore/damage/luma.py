"""The level of the luma signal: tape noise, gain, lift and hum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import View
from .lines import filter_lines, frame_rows, streaks
from .noise import Array, ar1, gaussian, generator
from .ranges import ranged


@dataclass(frozen=True, kw_only=True)
class LumaNoise:
    """Noise of the FM luma channel, new in each field, stronger in the dark.

    amount: standard deviation at white, 0 = off; 0.01 / 0.03 / 0.08. It is 1.5 times that in black.
    weighting: how much low frequencies lose: the gain is 1 - weighting for flat areas. 0.7 is bare FM, 0 what a good
        de-emphasis leaves.
    size: sigma in px of the band limit after it; VHS 1.1, which makes short dashes of the noise.
    frozen: share of the frame before in the noise, as a noise reducer leaves it; 0.7.
    streaks: share of samples where a short streak starts, 0 = off; 0.0005-0.005. streak: largest height of one.
    """

    amount: float = ranged(0.0, 0, 0.08)
    weighting: float = ranged(0.7, 0, 0.7)
    size: float = ranged(0.6, 0, 1.5)
    streaks: float = ranged(0.0, 0, 0.005)
    streak: float = ranged(0.15, 0, 0.4)
    frozen: float = ranged(0.0, 0, 0.9)


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Levels of the capture: Y' = lift + gain * Y, chroma by the gain as well.

    gain, lift: constant. pumping: standard deviation of the gain over time, as an automatic control makes it.
    hum: strength of a bar of mains hum that rolls through the picture.
    white, black: where the luma is clipped, before gain and lift; 1 and 0 clip nothing.
    shading: how much brighter the bottom is than the middle, and the top darker.
    """

    gain: float = ranged(1.0, 0.8, 1.2)
    lift: float = ranged(0.0, -0.05, 0.1)
    pumping: float = ranged(0.0, 0, 0.1)
    hum: float = ranged(0.0, 0, 0.05)
    white: float = ranged(1.0, 0.9, 1)
    black: float = ranged(0.0, 0, 0.1)
    shading: float = ranged(0.0, -0.3, 0.3)


def add_luma_noise(planes: Array, seed: int, frame: int, noise: LumaNoise, view: View) -> Array:
    """Return planes (H, W, 3) with tape noise in the luma."""
    luma = planes[..., 0]
    added = np.zeros_like(luma)
    if noise.amount > 0:
        grain = luma_noise(seed, frame, noise.weighting, noise.size * view.scale, view)
        if noise.frozen > 0:
            before = luma_noise(seed, frame - 1, noise.weighting, noise.size * view.scale, view)
            unit = math.hypot(noise.frozen, 1 - noise.frozen)
            grain = np.float32((1 - noise.frozen) / unit) * grain + np.float32(noise.frozen / unit) * before
        added += np.float32(noise.amount) * (np.float32(1.5) - np.float32(0.5) * np.clip(luma, 0, 1)) * grain
    if noise.streaks > 0:
        rng = generator(seed, "luma streaks", frame)
        alpha, draw = streaks(rng, np.float32(noise.streaks), luma.shape, max(10 * view.scale, 1.0))
        added += np.float32(2 * noise.streak) * alpha * (draw - np.float32(0.5))
    return np.concatenate([(luma + added)[..., None], planes[..., 1:]], axis=-1)


def luma_noise(seed: int, frame: int, weighting: float, sigma: float, view: View) -> Array:
    """Return unit noise (H, W): w - weighting (w * [1/4, 1/2, 1/4]) along the lines, then a Gaussian of `sigma` px."""
    taps = np.convolve(np.array([-0.25 * weighting, 1 - 0.5 * weighting, -0.25 * weighting]), gaussian(sigma))
    taps /= math.sqrt(float(np.square(taps).sum()))
    reach = len(taps) // 2
    rng = generator(seed, "luma noise", frame)
    white = rng.standard_normal((view.height, view.width + 2 * reach, 1), dtype=np.float32)
    return filter_lines(white, taps.astype(np.float32), reach)[:, reach : reach + view.width, 0]


def set_levels(planes: Array, seed: int, frame: int, levels: Levels, view: View) -> Array:
    """Return planes (H, W, 3) with the levels of the capture."""
    gain = levels.gain
    if levels.pumping > 0:
        gain *= 1 + levels.pumping * float(ar1(seed, "pumping", frame, 1, 0.97)[0, 0])
    rows = frame_rows(view) / view.frame_height
    bar = 1 + levels.hum * np.sin(2 * np.pi * (rows + 0.1 * frame))
    if levels.shading:
        bar = bar * (1 + levels.shading * (2 * rows - 1))
    if levels.white < 1 or levels.black > 0:
        clipped = np.clip(planes[..., :1], levels.black or -np.inf, levels.white if levels.white < 1 else np.inf)
        planes = np.concatenate([clipped, planes[..., 1:]], axis=-1)
    planes = planes * (gain * bar).astype(np.float32)[:, None, None]
    planes[..., 0] += np.float32(levels.lift)
    return planes
