"""Film grain: in density, signal dependent in code values, or laid over by soft light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .noise import Array, filtered, gaussian, generator
from .ranges import ranged

DENSITY_FLOOR = 0.05
"""The density below which grain falls no further (D0 of the square-root law)."""

_LAYERS = np.array([1, 1, 1.5], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Grain:
    """Grain, independent from frame to frame.

    method: "density" (sigma of the density grows with its square root), "signal" (I + a * 4I(1-I) * n) or
        "softlight" (an overlay of mean 0.5, standard deviation `amount` / 2).
    amount: sigma of the density at D = 1, or a, or the overlay's |2A - 1|; 0 = off. Density 0.01-0.15, signal
        0.01-0.08, softlight 0.02-0.3.
    size: Gaussian correlation in px, not scaled with the width; 0 = white.
    coloured: independent per channel, blue 1.5 times as strong; otherwise the same in all three.
    """

    method: Literal["density", "signal", "softlight"] = "density"
    amount: float = ranged(0.0, 0, 0.3)
    size: float = ranged(0.7, 0, 2)
    coloured: bool = False


def soft_light(overlay: Array, picture: Array) -> Array:
    """Return the picture under an overlay by soft light, in the form of FFmpeg's blend filter; 0.5 is neutral."""
    room = 0.5 - np.abs(picture - 0.5)
    push = 2 * overlay - 1
    return np.asarray(picture + push * room * np.where(push > 0, 1 - picture, picture), dtype=np.float32)


def grain_noise(seed: int, frame: int, shape: tuple[int, int], grain: Grain) -> Array:
    """Return unit-variance grain of one frame, shape (H, W, 3) when coloured, else (H, W, 1)."""
    kernel = gaussian(grain.size)
    kernel /= math.sqrt(float(np.square(kernel).sum()))
    reach = len(kernel) - 1
    channels = 3 if grain.coloured else 1
    rng = generator(seed, "grain", frame)
    noise = rng.standard_normal((shape[0] + reach, shape[1] + reach, channels), dtype=np.float32)
    noise = filtered(noise, kernel)
    return noise * _LAYERS if grain.coloured else noise


def add_grain(picture: Array, seed: int, frame: int, grain: Grain) -> Array:
    """Return the picture (H, W, 3) with grain; the picture itself when the amount is 0."""
    if grain.amount == 0:
        return picture
    noise = grain_noise(seed, frame, (picture.shape[0], picture.shape[1]), grain)
    if grain.method == "density":
        return _in_density(picture, noise, grain.amount)
    if grain.method == "signal":
        return picture + np.float32(4 * grain.amount) * picture * (1 - picture) * noise
    overlay = np.clip(0.5 + np.float32(0.5 * grain.amount) * noise, 0, 1)
    return soft_light(overlay, picture)


def _in_density(picture: Array, noise: Array, amount: float) -> Array:
    """Add sigma(D) * n to the density D = -log10(I^2.2), which multiplies I by 10^(-sigma n / 2.2)."""
    density = np.log(np.maximum(picture, np.float32(0.0152))) * np.float32(-2.2 / math.log(10))
    sigma = np.sqrt(np.maximum(density, np.float32(DENSITY_FLOOR)))
    return picture * np.exp(sigma * noise * np.float32(-amount * math.log(10) / 2.2))
