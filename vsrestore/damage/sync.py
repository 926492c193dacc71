"""Lines that start at the wrong place: time-base errors, mistracking and tearing, head switching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import View
from .lines import frame_rows, line_noise, shift_lines, snow
from .noise import Array, ar1, generator
from .ranges import ranged

# Lines are counted on a frame of this height and scale with it.
_HEIGHT = 480


@dataclass(frozen=True, kw_only=True)
class TimeBase:
    """Time-base errors: every line is shifted by its own number of px (Kokaram 1997 for the inverse).

    jitter: standard deviation in px from line to line, new in each field; 0.1 / 0.5 / 2. rho: correlation of lines.
    waving: px of slow waves along the edges. flagging: px by which the top of the picture bends.
    """

    jitter: float = ranged(0.0, 0, 2)
    rho: float = ranged(0.4, 0, 0.6)
    waving: float = ranged(0.0, 0, 4)
    flagging: float = ranged(0.0, 0, 60)


@dataclass(frozen=True, kw_only=True)
class Mistracking:
    """Bands in which the head runs beside its track: snow, torn lines, no colour.

    bands: number of bands, 0 = off. strength: how much of the signal is lost in the middle of a band, 0-1.
    height: lines of a 480-line frame. speed: lines per frame. shift: px by which lines tear apart.
    tear: px by which the lines below a band are displaced at first.
    """

    bands: int = ranged(0, 0, 3)
    strength: float = ranged(0.8, 0, 1)
    height: float = ranged(50.0, 10, 120)
    speed: float = ranged(2.0, -6, 6)
    shift: float = ranged(30.0, 0, 150)
    tear: float = ranged(10.0, 0, 40)


@dataclass(frozen=True, kw_only=True)
class HeadSwitching:
    """The bottom of the picture, where the video heads change: skewed lines with noise.

    height: lines of a 480-line frame, 0 = off; 5-12. skew: px at the last line; 5-100. bend: exponent of its growth.
    snow: cover by noise, 0-1. blank: lines at the very end that hold no picture.
    """

    height: float = ranged(0.0, 0, 12)
    skew: float = ranged(30.0, 5, 100)
    bend: float = ranged(1.0, 0.5, 2)
    snow: float = ranged(0.3, 0, 1)
    blank: int = ranged(1, 0, 3)


def time_base_shifts(seed: int, frame: int, time_base: TimeBase, view: View) -> Array:
    """Return the shift in px of each row of the view, shape (H,)."""
    rows = frame_rows(view) * np.float32(_HEIGHT / view.frame_height)
    shifts = time_base.jitter * line_noise(seed, "jitter", frame, view, time_base.rho)
    if time_base.waving > 0:
        rng = generator(seed, "waving")
        for _ in range(3):
            amount, period, pace, phase = rng.random(4).tolist()
            turns = rows / (20 * 15**period) + (0.02 + 0.28 * abs(2 * pace - 1)) * np.sign(pace - 0.5) * frame + phase
            shifts = shifts + time_base.waving * (0.2 + 0.4 * amount) * np.sin(2 * np.pi * turns)
    if time_base.flagging > 0:
        decay = 10 + 40 * generator(seed, "flagging decay").random()
        bend = time_base.flagging * 0.5 * float(ar1(seed, "flagging", frame, 1, 0.8)[0, 0])
        shifts = shifts + bend * np.exp(-rows / decay)
    return np.asarray(shifts * view.scale, dtype=np.float32)


def mistrack(planes: Array, seed: int, frame: int, faults: Mistracking, view: View) -> tuple[Array, Array, Array]:
    """Return planes (H, W, 3) with the bands of mistracking, the cover by snow (H, W), and the shifts (H,) made."""
    rows = frame_rows(view).astype(np.float32)
    lines = view.frame_height / _HEIGHT
    loss, tear = np.zeros_like(rows), np.zeros_like(rows)
    for band in range(faults.bands):
        place, size, pace = generator(seed, "mistracking", band).random(3).tolist()
        height = faults.height * (0.6 + 0.8 * size) * lines
        # A band leaves the frame wholly before it comes in again at the other side.
        span = view.frame_height + height
        centre = (place * span + faults.speed * (0.5 + pace) * lines * frame) % span - height / 2
        far = (rows - centre) / height
        loss = np.maximum(loss, np.where(np.abs(far) < 0.5, 0.5 + 0.5 * np.cos(2 * np.pi * far), 0))
        tear = tear + np.where(far >= 0, np.exp(-(rows - centre) / (30 * lines)), 0) * (2 * size - 1)
    loss = (faults.strength * loss).astype(np.float32)
    shifts = faults.shift * loss * line_noise(seed, "tearing", frame, view, 0.7) + faults.tear * tear
    shifts = np.asarray(shifts * view.scale, dtype=np.float32)
    planes = shift_lines(planes, shifts)
    planes[..., 0] *= (1 - np.float32(0.5) * loss)[:, None]
    planes[..., 1:] *= (1 - loss)[:, None, None]
    length = max(10 * view.scale, 2.0)
    return planes, snow(generator(seed, "mistracking snow", frame), planes, (loss * loss)[:, None], length), shifts


def switch_heads(planes: Array, seed: int, frame: int, faults: HeadSwitching, view: View) -> tuple[Array, Array, Array]:
    """Return planes (H, W, 3) with the skew at the bottom, the cover by noise (H, W), and the shifts (H,) made."""
    rows = frame_rows(view)
    height = max(faults.height * view.frame_height / _HEIGHT, 1.0)
    # The second field switches one line later than the first.
    deep = np.clip((rows - rows % 2 - (view.frame_height - height) + 1) / height, 0, 1).astype(np.float32)
    skew = faults.skew * view.scale * (1 + 0.2 * float(ar1(seed, "head switching", frame, 1, 0.95)[0, 0]))
    ragged = 1 + np.float32(0.3) * line_noise(seed, "head lines", frame, view, 0.3)
    shifts = np.where(deep > 0, skew * deep**faults.bend * ragged, 0).astype(np.float32)
    planes = shift_lines(planes, shifts)
    rng = generator(seed, "head snow", frame)
    chance = np.where(deep > 0, faults.snow, 0).astype(np.float32)[:, None]
    cover = snow(rng, planes, chance, max(5 * view.scale, 1.5))
    blank = rows >= view.frame_height - faults.blank
    planes[blank & (deep > 0)] = (0.05, 0, 0)
    cover[blank & (deep > 0)] = 1
    return planes, cover, shifts
