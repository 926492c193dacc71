"""Scan lines: luma and chroma of a picture, filters and shifts along its lines, noise per line of a field.

Even rows of a frame are the lines of its first field, odd rows those of its second; field 2t + parity belongs to
frame t. Planes are (H, W, C) arrays of Y (0 to 1), U and V as BT.601 defines them for analogue signals.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .canvas import View
from .noise import Array, ar1, white
from .transport import catmull_rom

# Lines between the starts of two fields' noise: more than any frame has.
_FIELD_LINES = 8192


def to_yuv(rgb: Array) -> Array:
    """Return RGB (..., 3) as Y = 0.299 R + 0.587 G + 0.114 B, U = 0.492 (B - Y), V = 0.877 (R - Y)."""
    red, green, blue = (rgb[..., i] for i in range(3))
    y = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    return np.stack([y, np.float32(0.492) * (blue - y), np.float32(0.877) * (red - y)], axis=-1)


def to_rgb(yuv: Array) -> Array:
    """Return the inverse of `to_yuv`; not clipped."""
    y, u, v = (yuv[..., i] for i in range(3))
    red, blue = y + v * np.float32(1 / 0.877), y + u * np.float32(1 / 0.492)
    green = (y - np.float32(0.299) * red - np.float32(0.114) * blue) * np.float32(1 / 0.587)
    return np.stack([red, green, blue], axis=-1)


def filter_lines(planes: Array, taps: Array, centre: int) -> Array:
    """Filter planes (H, W, C) along the lines: out[x] = sum of taps[k] * in[x - (k - centre)], edges repeated."""
    before, after, width = len(taps) - 1 - centre, centre, planes.shape[1]
    padded = np.pad(planes, ((0, 0), (after + before, before + after), (0, 0)), mode="edge")
    start = before + after + centre
    result = taps[0] * padded[:, start : start + width]
    for k in range(1, len(taps)):
        result += taps[k] * padded[:, start - k : start - k + width]
    return result


def tail(length: float) -> Array:
    """Return the taps exp(-x / length) for x >= 0, of unit sum, out to 1 % of the first."""
    taps = np.exp(-np.arange(math.ceil(4.6 * length) + 1) / max(length, 1e-6))
    return (taps / taps.sum()).astype(np.float32)


def wrap_lines(planes: Array, shifts: NDArray[np.integer], blanking: int) -> Array:
    """Shift each line of planes (H, W, 3) by whole px of shifts (H,); what leaves at one side comes in at the other.

    Args:
        blanking: px between the end of a line and its next beginning; black.
    """
    height, width = planes.shape[:2]
    columns = (np.arange(width)[None, :] - shifts[:, None]) % (width + blanking)
    moved = planes[np.arange(height)[:, None], np.minimum(columns, width - 1)]
    moved[columns >= width] = 0
    return moved


def stretch_lines(planes: Array, shifts: Array) -> Array:
    """Shift each pixel of planes (H, W, C) to the right by its own px of shifts (H, W), which change slowly."""
    height, width = planes.shape[:2]
    place = np.arange(width)[None, :] - shifts
    whole = np.floor(place).astype(int)
    rows = np.arange(height)[:, None]
    moved = np.zeros_like(planes)
    for k, weight in enumerate(catmull_rom((place - whole).astype(np.float32))):
        moved += weight[..., None] * planes[rows, np.clip(whole + k - 1, 0, width - 1)]
    return moved


def shift_lines(planes: Array, shifts: NDArray[np.floating]) -> Array:
    """Shift each line of planes (H, W, C) to the right by its own px of shifts (H,); Catmull-Rom, edges repeated."""
    height, width = planes.shape[:2]
    whole = np.floor(-shifts).astype(int)
    weights = catmull_rom((-shifts - whole).astype(np.float32))
    columns = np.arange(width)[None, :] + whole[:, None]
    rows = np.arange(height)[:, None]
    moved = np.zeros_like(planes)
    for k, weight in enumerate(weights):
        moved += weight[:, None, None] * planes[rows, np.clip(columns + k - 1, 0, width - 1)]
    return moved


def above(planes: Array, lines: int) -> Array:
    """Return what lies `lines` lines of the same field above each row; the topmost lines repeat."""
    rows = np.arange(planes.shape[0])
    source = rows - 2 * lines
    return planes[np.where(source < 0, np.minimum(rows % 2, planes.shape[0] - 1), source)]


def frame_rows(view: View) -> NDArray[np.int64]:
    """Return the frame row of every row of the view."""
    return np.arange(view.top, view.top + view.height)


def line_noise(seed: int, effect: str, frame: int, view: View, rho: float) -> Array:
    """Return unit noise for each row of the view, shape (H,): AR(1) along the lines of a field, new in each field."""
    rows = frame_rows(view)
    noise = np.empty(len(rows), dtype=np.float32)
    for parity in (0, 1):
        mine = rows % 2 == parity
        lines = rows[mine] // 2
        if len(lines):
            start = (2 * frame + parity) * _FIELD_LINES + int(lines[0])
            noise[mine] = ar1(seed, effect, start, len(lines), rho)[:, 0]
    return noise


def filtered_line_noise(seed: int, effect: str, frame: int, view: View, kernel: NDArray[np.floating]) -> Array:
    """Return white noise of the lines of each field through a causal kernel (K,), for each row of the view, (H,)."""
    rows = frame_rows(view)
    noise = np.empty(len(rows), dtype=np.float32)
    for parity in (0, 1):
        mine = rows % 2 == parity
        lines, before = rows[mine] // 2, len(kernel) - 1
        if len(lines):
            start = (2 * frame + parity) * _FIELD_LINES + int(lines[0])
            noise[mine] = np.convolve(white(seed, effect, start - before, len(lines) + before)[:, 0], kernel, "valid")
    return noise


def streaks(
    rng: np.random.Generator, density: Array | np.float32, shape: tuple[int, int], length: float, hold: float = 1.0
) -> tuple[Array, Array]:
    """Draw short horizontal streaks, each full for `hold` px and then fading along the line.

    Args:
        density: chance that a streak starts at a pixel; broadcasts to the shape.
        shape: (H, W).
        length: decay length in px.

    Returns:
        (alpha, draw), both (H, W): the cover in 0-1, and one number in 0-1 per streak for its look.

    """
    starts = rng.random(shape, dtype=np.float32) < density
    draws = rng.random(shape, dtype=np.float32)
    columns = np.arange(shape[1])
    last = np.maximum.accumulate(np.where(starts, columns, -1), axis=1)
    far = np.maximum(columns - last - hold, 0).astype(np.float32)
    alpha = np.where(last >= 0, np.exp(-far / np.float32(length)), 0)
    return alpha.astype(np.float32), np.take_along_axis(draws, np.maximum(last, 0), axis=1)


def snow(
    rng: np.random.Generator, planes: Array, chance: Array, length: float, bright: float = 0.5, colour: float = 0.0
) -> Array:
    """Cover planes (H, W, 3) with snow in place, where FM demodulation has lost the signal.

    Args:
        chance: 0-1 per row or pixel, shape (H, 1) or (H, W): how much of it snow covers.
        length: mean length of a streak in px; 1: single pixels.
        bright: share of white streaks; the others are black.
        colour: standard deviation of U and V in it, pixel by pixel.

    Returns:
        The cover (H, W) in 0-1.

    """
    hold = 1.0 if length > 1 else 0.0
    alpha, draw = streaks(rng, chance / max(length, 1.0), (planes.shape[0], planes.shape[1]), 0.5 * length, hold)
    alpha *= np.minimum(1, chance * 2)
    value = np.where(draw < 1 - bright, draw * np.float32(0.5), 1 - (1 - draw) * np.float32(0.5))
    planes[..., 0] += alpha * (value - planes[..., 0])
    planes[..., 1:] *= (1 - alpha)[..., None]
    if colour > 0:
        planes[..., 1:] += colour * alpha[..., None] * rng.standard_normal((*alpha.shape, 2), dtype=np.float32)
    return alpha
