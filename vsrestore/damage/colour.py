"""Colour of the stock: monochrome and sepia film, fading of the dyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .noise import Array
from .ranges import ranged

Tone = Literal["colour", "gray", "sepia"]

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_SEPIA = np.array([1.07, 0.95, 0.75], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Fading:
    """Faded dyes in the simple form: per channel I' = clip(lift + gain * I^gamma), then less saturation.

    gain, lift: of R, G, B. The defaults change nothing.
    """

    gain: tuple[float, float, float] = ranged((1.0, 1.0, 1.0), 0.6, 1.1)
    lift: tuple[float, float, float] = ranged((0.0, 0.0, 0.0), 0, 0.15)
    gamma: float = ranged(1.0, 0.7, 1.4)
    saturation: float = ranged(1.0, 0, 1)


def luma(frames: Array) -> Array:
    """Return 0.299 R + 0.587 G + 0.114 B, shape (..., 1)."""
    return (frames @ _LUMA)[..., None]


def toned(frames: Array, tone: Tone) -> Array:
    """Return the frames as black-and-white or sepia film would show them; "colour" leaves them alone."""
    if tone == "colour":
        return frames
    gray = luma(frames)
    if tone == "gray":
        return np.repeat(gray, 3, axis=-1)
    return np.clip(np.power(np.maximum(gray, 0), np.float32(0.95)) * _SEPIA, 0, 1)


def faded(frames: Array, fading: Fading) -> Array:
    """Return the frames with faded dyes."""
    if fading == Fading():
        return frames
    if fading.gamma != 1:
        frames = np.power(np.maximum(frames, 0), np.float32(fading.gamma))
    frames = np.clip(frames * np.array(fading.gain, np.float32) + np.array(fading.lift, np.float32), 0, 1)
    gray = luma(frames)
    return gray + np.float32(fading.saturation) * (frames - gray)
