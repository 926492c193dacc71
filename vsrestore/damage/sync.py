"""Lines that start at the wrong place: time-base errors, mistracking and tearing, lost sync, head switching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .canvas import View
from .lines import filtered_line_noise, frame_rows, line_noise, shift_lines, snow, wrap_lines
from .noise import Array, ar1, events, generator
from .ranges import ranged

# Lines are counted on a frame of this height and scale with it.
_HEIGHT = 480

_LOST = (2, 30)
# A whole line of 64 us, of which 52 us are picture.
_LINE = 64 / 52


@dataclass(frozen=True, kw_only=True)
class TimeBase:
    """Time-base errors: every line is shifted by its own number of px (Kokaram 1997 for the inverse).

    jitter: standard deviation in px from line to line, new in each field; 0.1 / 0.5 / 2. rho: correlation of lines.
    waving: px of slow waves along the edges. flagging: px by which the top of the picture bends.
    apart: share of waving and flagging that each field has of its own, so that edges comb; 0-1.
    wow: largest change of the lines' length as a part of it, slow from line to line; 0.002. It moves no line's middle.
    swing: standard deviation in px of lines that swing about their place, as a servo does that is kicked; in each field
        anew, with a period and a decay of the player's own.
    """

    jitter: float = ranged(0.0, 0, 2)
    rho: float = ranged(0.4, 0, 0.98)
    waving: float = ranged(0.0, 0, 4)
    flagging: float = ranged(0.0, 0, 60)
    apart: float = ranged(0.0, 0, 1)
    wow: float = ranged(0.0, 0, 0.02)
    swing: float = ranged(0.0, 0, 4)


@dataclass(frozen=True, kw_only=True)
class Mistracking:
    """Bands in which the head runs beside its track: snow, torn lines, no colour.

    bands: number of bands, 0 = off. strength: how much of the signal is lost in the middle of a band, 0-1.
    height: lines of a 480-line frame. speed: lines per frame. shift: px by which lines tear apart.
    tear: px by which the lines below a band are displaced at first.
    dash: mean length in px of the dashes of snow; single pixels where that is less than 2. bright: share of white ones.
    colour: standard deviation of U and V in the snow. edge: share of a band in which the loss grows and falls; 1 has no
        flat middle. dim: how much of the brightness goes with the signal.
    """

    bands: int = ranged(0, 0, 3)
    strength: float = ranged(0.8, 0, 1)
    height: float = ranged(50.0, 10, 120)
    speed: float = ranged(2.0, -6, 6)
    shift: float = ranged(30.0, 0, 150)
    tear: float = ranged(10.0, 0, 40)
    dash: float = ranged(10.0, 1, 60)
    bright: float = ranged(0.5, 0, 1)
    colour: float = ranged(0.0, 0, 0.3)
    edge: float = ranged(1.0, 0.05, 1)
    dim: float = ranged(0.5, 0, 1)


@dataclass(frozen=True, kw_only=True)
class LostSync:
    """The whole picture scrambled for 2-30 frames: no line finds its start.

    rate: mean times per frame that it starts, 0 = off. strength: of the slant; at 1 it is 1.5 lines down the picture.
    snow: cover by noise, 0-1.
    """

    rate: float = ranged(0.0, 0, 0.1)
    strength: float = ranged(1.0, 0, 1)
    snow: float = ranged(0.1, 0, 1)


@dataclass(frozen=True, kw_only=True)
class HeadSwitching:
    """The bottom of the picture, where the video heads change: skewed lines with noise.

    height: lines of a 480-line frame, 0 = off; 5-12, and up to 20 where the capture shows more.
    skew: px at the last line; 5-100, to the left where negative.
    bend: exponent of its growth.
    snow: cover by noise, 0-1. colour: standard deviation of U and V in it. dash: its mean length in px.
    blank: lines at the very end that hold no picture.
    apart: lines of its field by which the second field switches later; 1-2.
    """

    height: float = ranged(0.0, 0, 20)
    skew: float = ranged(30.0, -100, 100)
    bend: float = ranged(1.0, 0.5, 2)
    snow: float = ranged(0.3, 0, 1)
    colour: float = ranged(0.0, 0, 0.3)
    dash: float = ranged(5.0, 1, 40)
    blank: int = ranged(1, 0, 3)
    apart: float = ranged(0.0, -2, 2)


def time_base_shifts(seed: int, frame: int, time_base: TimeBase, view: View) -> Array:
    """Return the shift in px of each row of the view, shape (H,)."""
    jitter = time_base.jitter * line_noise(seed, "jitter", frame, view, time_base.rho)
    if time_base.swing > 0:
        jitter = jitter + time_base.swing * _swing(seed, frame, view)
    shifts = _slow_shifts(jitter, seed, frame, time_base, view)
    if time_base.apart > 0:
        still = np.zeros_like(jitter)
        common = _slow_shifts(still, seed, frame, time_base, view)
        fields = [_slow_shifts(still, seed, frame, time_base, view, parity + 1) for parity in (0, 1)]
        own = np.where(frame_rows(view) % 2 == 0, *fields)
        shifts = shifts + time_base.apart * (own - common)
    return np.asarray(shifts * view.scale, dtype=np.float32)


def _swing(seed: int, frame: int, view: View) -> Array:
    """Return a swing of unit variance for each row of the view, (H,): noise of lines through a damped cosine."""
    period, damping, phase = generator(seed, "swing").random(3).tolist()
    decay, lines = 4 * 20**damping, np.arange(256)
    kernel = np.exp(-lines / decay) * np.cos(2 * np.pi * (lines / (8 * 20**period) + phase))
    kernel = kernel[: int(6 * decay) + 2] / np.sqrt(np.square(kernel).sum())
    return filtered_line_noise(seed, "swing of lines", frame, view, kernel)


def _slow_shifts(
    shifts: NDArray[Any], seed: int, frame: int, time_base: TimeBase, view: View, instance: int = 0
) -> NDArray[Any]:
    """Return the shifts (H,) with waving and flagging added; another instance, other waves."""
    rows = frame_rows(view) * np.float32(_HEIGHT / view.frame_height)
    if time_base.waving > 0:
        rng = generator(seed, "waving", instance=instance)
        for _ in range(3):
            amount, period, pace, phase = rng.random(4).tolist()
            turns = rows / (20 * 15**period) + (0.02 + 0.28 * abs(2 * pace - 1)) * np.sign(pace - 0.5) * frame + phase
            shifts = shifts + time_base.waving * (0.2 + 0.4 * amount) * np.sin(2 * np.pi * turns)
    if time_base.flagging > 0:
        decay = 10 + 40 * generator(seed, "flagging decay").random()
        bend = time_base.flagging * 0.5 * float(ar1(seed, "flagging", frame, 1, 0.8, instance=instance)[0, 0])
        shifts = shifts + bend * np.exp(-rows / decay)
    return shifts


def wow_shifts(seed: int, frame: int, wow: float, view: View) -> Array:
    """Return by how many px each pixel of the view is shifted to the right, (H, W), where lines change their length."""
    rows = frame_rows(view) * (_HEIGHT / view.frame_height)
    height, pace, phase = generator(seed, "wow").random(3).tolist()
    turns = rows / (200 + 400 * height) + (0.02 + 0.1 * pace) * frame + phase
    columns = np.arange(view.left, view.left + view.width) - (view.frame_width - 1) / 2
    return (wow * np.sin(2 * np.pi * turns)[:, None] * columns[None, :]).astype(np.float32)


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
        deep = np.clip((1 - 2 * np.abs(far)) / faults.edge, 0, 1)
        loss = np.maximum(loss, 0.5 - 0.5 * np.cos(np.pi * deep))
        tear = tear + np.where(far >= 0, np.exp(-(rows - centre) / (30 * lines)), 0) * (2 * size - 1)
    loss = (faults.strength * loss).astype(np.float32)
    shifts = faults.shift * loss * line_noise(seed, "tearing", frame, view, 0.7) + faults.tear * tear
    shifts = np.asarray(shifts * view.scale, dtype=np.float32)
    planes = shift_lines(planes, shifts)
    planes[..., 0] *= (1 - np.float32(faults.dim) * loss)[:, None]
    planes[..., 1:] *= (1 - loss)[:, None, None]
    rng, length = generator(seed, "mistracking snow", frame), _dash(faults.dash, 2.0, view)
    return planes, snow(rng, planes, (loss * loss)[:, None], length, faults.bright, faults.colour), shifts


def lose_sync(planes: Array, seed: int, frame: int, faults: LostSync, view: View) -> tuple[Array, Array, Array]:
    """Return planes (H, W, 3) scrambled where sync is lost, the cover by snow (H, W), and the shifts (H,) made."""
    if not events(seed, "lost sync", frame, faults.rate, _LOST):
        return planes, np.zeros(planes.shape[:2], np.float32), np.zeros(view.height, np.float32)
    # Lines of a wrong length slant the picture; what leaves at one side comes in at the other.
    slant, place = (float(z) for z in ar1(seed, "lost sync", frame, 1, 0.8, 2)[0])
    rows = frame_rows(view) / view.frame_height
    lengths = place + 1.5 * slant * rows + 0.01 * line_noise(seed, "lost sync lines", frame, view, 0.9)
    line = _LINE * view.frame_width
    shifts = (faults.strength * line * lengths).astype(np.float32)
    planes = wrap_lines(planes, np.rint(shifts).astype(int), round(line) - view.frame_width)
    planes[..., 1:] *= np.float32(0.15)
    chance = np.full((view.height, 1), faults.snow, dtype=np.float32)
    return planes, snow(generator(seed, "lost sync snow", frame), planes, chance, max(8 * view.scale, 2.0)), shifts


def switch_heads(planes: Array, seed: int, frame: int, faults: HeadSwitching, view: View) -> tuple[Array, Array, Array]:
    """Return planes (H, W, 3) with the skew at the bottom, the cover by noise (H, W), and the shifts (H,) made."""
    rows = frame_rows(view)
    height = max(faults.height * view.frame_height / _HEIGHT, 1.0)
    # Two rows of the frame are a line of each field.
    late = 2 * faults.apart * (rows % 2) * view.frame_height / _HEIGHT
    deep = np.clip((rows - rows % 2 - (view.frame_height - height) + 1 - late) / height, 0, 1).astype(np.float32)
    skew = faults.skew * view.scale * (1 + 0.2 * float(ar1(seed, "head switching", frame, 1, 0.95)[0, 0]))
    ragged = 1 + np.float32(0.3) * line_noise(seed, "head lines", frame, view, 0.3)
    shifts = np.where(deep > 0, skew * deep**faults.bend * ragged, 0).astype(np.float32)
    planes = shift_lines(planes, shifts)
    rng = generator(seed, "head snow", frame)
    chance = np.where(deep > 0, faults.snow, 0).astype(np.float32)[:, None]
    cover = snow(rng, planes, chance, _dash(faults.dash, 1.5, view), colour=faults.colour)
    blank = rows >= view.frame_height - faults.blank
    planes[blank & (deep > 0)] = (0.05, 0, 0)
    cover[blank & (deep > 0)] = 1
    return planes, cover, shifts


def _dash(length: float, least: float, view: View) -> float:
    """Return the mean length in px of the dashes of snow, ``least`` at least; 1, single pixels, where it is below 2."""
    return max(length * view.scale, least) if length >= 2 else 1.0
