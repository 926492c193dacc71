"""Colour of the stock: monochrome and sepia film, fading of the dyes, what lens and age do towards the edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .canvas import View
from .noise import Array
from .ranges import ranged

Tone = Literal["colour", "gray", "sepia"]

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_PALE = np.array([0.62, 0.58, 0.55], dtype=np.float32)
_GAMMA = 2.2
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


@dataclass(frozen=True, kw_only=True)
class DyeLoss:
    """Dyes that fade each at its own pace, in density: D' = (1 - loss) * D + stain, for R, G and B.

    loss: of the cyan, magenta and yellow dye; old print stock with its magenta cast 0.3-0.6, 0.05-0.15, 0.2-0.5.
    stain: density added to R, G and B; a yellow stain 0.03-0.15 in B.
    """

    loss: tuple[float, float, float] = ranged((0.0, 0.0, 0.0), 0, 0.8)
    stain: tuple[float, float, float] = ranged((0.0, 0.0, 0.0), 0, 0.15)


@dataclass(frozen=True, kw_only=True)
class Edges:
    """What gets worse from the middle of the frame to its corners, where r = 1.

    vignette: light that the corners lose, I * (1 - v r^4), 0 = off.
    vinegar: contrast that they lose with r^2, as the base decays (vinegar syndrome), 0 = off.
    gate: width in px of the black rim that the camera's gate leaves, with round corners, 0 = off.
    """

    vignette: float = ranged(0.0, 0, 0.5)
    vinegar: float = ranged(0.0, 0, 0.8)
    gate: float = ranged(0.0, 0, 20)


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


def with_dye_loss(frames: Array, dyes: DyeLoss) -> Array:
    """Return the frames (..., 3) with dyes lost and stain added, in density D = -log10(I^2.2), at most 4."""
    if dyes == DyeLoss():
        return frames
    density = np.log10(np.maximum(frames, np.float32(10 ** (-4 / _GAMMA)))) * np.float32(-_GAMMA)
    density = density * (1 - np.array(dyes.loss, np.float32)) + np.array(dyes.stain, np.float32)
    return np.clip(np.power(np.float32(10), density * np.float32(-1 / _GAMMA)), 0, 1)


def with_edges(frames: Array, edges: Edges, view: View) -> Array:
    """Return the frames (T, H, W, 3) with what happens towards their edges."""
    if edges == Edges():
        return frames
    y = np.arange(view.top, view.top + view.height) - (view.frame_height - 1) / 2
    x = np.arange(view.left, view.left + view.width) - (view.frame_width - 1) / 2
    square = np.square(2 * y / view.frame_height)[:, None] + np.square(2 * x / view.frame_width)[None, :]
    far = np.square(0.5 * square).astype(np.float32)[..., None]
    if edges.vinegar > 0:
        frames = frames + np.float32(edges.vinegar) * np.sqrt(far) * (_PALE - frames)
    if edges.vignette > 0:
        frames = frames * (1 - np.float32(edges.vignette) * far)
    if edges.gate > 0:
        rim = _gate(y, x, edges.gate * view.scale, view)
        frames = frames * rim
    return frames


def _gate(y: NDArray[np.floating], x: NDArray[np.floating], width: float, view: View) -> Array:
    """Return 1 inside the gate and 0 on its rim, (H, W, 1), at the places y and x in px from the middle."""
    corner = 3 * width
    inside_y = np.maximum(np.abs(y) - (view.frame_height / 2 - width - corner), 0)
    inside_x = np.maximum(np.abs(x) - (view.frame_width / 2 - width - corner), 0)
    distance = np.hypot(inside_y[:, None], inside_x[None, :]) - corner
    soft = max(0.25 * width, 1.0)
    return np.clip(0.5 - distance / soft, 0, 1).astype(np.float32)[..., None]
