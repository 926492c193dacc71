"""What the transport does to whole frames: gate weave, jumps, flicker, rolling bars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .canvas import View
from .noise import Array, ar1, events, generator
from .ranges import ranged

_JUMP = (1, 3)


@dataclass(frozen=True, kw_only=True)
class Weave:
    """Gate weave: the picture shifts and turns a little; edge pixels repeat beyond the border.

    amount: standard deviation of the shift in px, 0 = off; 0.1 / 0.4 / 1.5. Vertical shifts are 1.3 times larger.
    turn: standard deviation of the rotation in degrees.
    """

    amount: float = ranged(0.0, 0, 1.5)
    turn: float = ranged(0.0, 0, 0.05)


@dataclass(frozen=True, kw_only=True)
class Jumps:
    """Jumps: the picture stands too high or too low for 1-3 frames and the frame line shows, with what lies beyond.

    rate: mean jumps per frame, 0 = off; 0.002-0.02.
    height: largest displacement in px; 3-30.
    line: height of the black frame line as a part of the frame's height.
    """

    rate: float = ranged(0.0, 0, 0.1)
    height: float = ranged(20.0, 3, 30)
    line: float = ranged(0.04, 0.03, 0.06)


@dataclass(frozen=True, kw_only=True)
class Flicker:
    """Brightness flicker I' = alpha * I + beta (van Roosmalen 1999).

    amount: standard deviation of alpha, 0 = off; 0.01 / 0.04 / 0.12. beta has a quarter of it.
    rho: correlation from frame to frame; 0.9 for a camera cranked by hand.
    spatial: strength of a second-order surface, as a part of `amount`.
    beat: amplitude of a sine of shutter against mains, 0 = off. pace: its frequency in cycles per frame.
    exposure: standard deviation of the logarithm of the exponent in I^e, which leaves black and white alone; 0 = off.
    """

    amount: float = ranged(0.0, 0, 0.12)
    rho: float = ranged(0.5, 0, 0.95)
    spatial: float = ranged(0.4, 0, 0.5)
    beat: float = ranged(0.0, 0, 0.2)
    pace: float = ranged(0.2, 0.05, 0.5)
    exposure: float = ranged(0.0, 0, 0.2)


@dataclass(frozen=True, kw_only=True)
class Bars:
    """One light (or dark) bar rolling through the frame: I' = I * (1 + A * g).

    strength: A, negative for a dark bar, 0 = off. height: of the bar as a part of the frame.
    speed: frame rows per frame, at a frame height of 540.
    """

    strength: float = ranged(0.0, -0.4, 0.4)
    height: float = ranged(0.25, 0.1, 0.5)
    speed: float = ranged(3.0, -10, 10)


def shift_of(seed: int, frame: int, weave: Weave, view: View) -> tuple[float, float, float]:
    """Return (dy, dx, angle) of a frame in px and radians: the picture's content moves by (dy, dx)."""
    z = ar1(seed, "weave", frame, 1, 0.5, 3)[0].tolist()
    phase, pace = generator(seed, "weave sway").random(2).tolist()
    sway = math.sin(2 * math.pi * (phase + frame * (0.005 + 0.03 * pace)))
    size = weave.amount * view.scale
    return size * (1.3 * z[0] + 0.6 * sway), size * z[1], math.radians(weave.turn) * z[2]


def weave_frame(picture: Array, shift: tuple[float, float, float], view: View) -> Array:
    """Resample a picture (H, W, C) by a small shift and turn: two passes of cubic interpolation.

    A turn this small is a shear per axis: rows shift sideways by their height, columns up and down by their place.
    """
    dy, dx, angle = shift
    rows = np.arange(view.top, view.top + view.height) - view.frame_height / 2
    columns = np.arange(view.left, view.left + view.width) - view.frame_width / 2
    return _shifted(_shifted(picture, dx - angle * rows, axis=1), dy + angle * columns, axis=0)


def jump_of(seed: int, frame: int, jumps: Jumps, view: View) -> float:
    """Return by how many px the picture stands too low (too high where negative); 0 in most frames."""
    offset = 0.0
    for event in events(seed, "jump", frame, jumps.rate, _JUMP):
        size, sign = generator(seed, "jump height", event.number).random(2).tolist()
        offset += jumps.height * (0.1 + 0.9 * size) * (1 if sign < 0.5 else -1) * view.scale
    return offset


def displaced(picture: Array, offset: float, line: float, view: View) -> Array:
    """Return a picture (H, W, C) moved down by whole px; beyond the black frame line lies its other end.

    The other end stands for the neighbouring frame, which looks much the same. Of a piece of a frame, rows that are not
    given are replaced by the nearest.

    Args:
        line: height of the frame line as a part of the frame's height.
    """
    period = view.frame_height + max(round(line * view.frame_height), 1)
    source = (np.arange(view.top, view.top + view.height) - round(offset)) % period
    moved = picture[np.clip(source - view.top, 0, view.height - 1)]
    moved[source >= view.frame_height] = 0
    return moved


def _shifted(picture: Array, shifts: NDArray[np.floating[Any]], axis: int) -> Array:
    """Shift a picture (H, W, C) along an axis by shifts (one per line across it); Catmull-Rom, edges repeated."""
    whole = np.floor(-shifts).astype(int)
    part = (-shifts - whole).astype(np.float32)
    margin = int(np.abs(whole).max()) + 2
    length = picture.shape[axis]
    padded = np.pad(picture, [(margin, margin) if i == axis else (0, 0) for i in range(3)], mode="edge")
    moved = np.empty_like(picture)
    # Shifts are linear in the line number, so lines of the same whole shift lie together.
    for start in np.unique(whole).tolist():
        group = np.flatnonzero(whole == start)
        lines = slice(int(group[0]), int(group[-1]) + 1)
        taps = [tap[:, None, None] if axis == 1 else tap[None, :, None] for tap in catmull_rom(part[lines])]
        begins = [margin + start + k - 1 for k in range(4)]
        sources = [padded[lines, b : b + length] if axis == 1 else padded[b : b + length, lines] for b in begins]
        target = moved[lines] if axis == 1 else moved[:, lines]
        np.multiply(taps[0], sources[0], out=target)
        for tap, source in zip(taps[1:], sources[1:], strict=True):
            target += tap * source
    return moved


def catmull_rom(f: Array) -> tuple[Array, Array, Array, Array]:
    """Return the weights of the samples at -1, 0, 1, 2 for the place f between the samples 0 and 1."""
    return (
        ((-0.5 * f + 1.0) * f - 0.5) * f,
        (1.5 * f - 2.5) * f * f + 1.0,
        ((-1.5 * f + 2.0) * f + 0.5) * f,
        (0.5 * f - 0.5) * f * f,
    )


def flicker_of(seed: int, frame: int, flicker: Flicker, view: View) -> tuple[Array, float]:
    """Return the gain field alpha (H, W, 1) and the offset beta of a frame."""
    z = ar1(seed, "flicker", frame, 1, flicker.rho, 7)[0]
    u = (np.arange(view.top, view.top + view.height, dtype=np.float32) / view.frame_height * 2 - 1)[:, None]
    v = (np.arange(view.left, view.left + view.width, dtype=np.float32) / view.frame_width * 2 - 1)[None, :]
    surface = z[2] * u + z[3] * v + z[4] * (u * u - 0.33) + z[5] * (v * v - 0.33) + z[6] * u * v
    alpha = 1 + flicker.amount * (z[0] + flicker.spatial * surface)
    if flicker.beat > 0:
        phase = generator(seed, "flicker beat").random()
        alpha += flicker.beat * math.sin(2 * math.pi * (flicker.pace * frame + phase))
    return np.maximum(alpha, 0)[..., None].astype(np.float32), 0.25 * flicker.amount * float(z[1])


def exponent_of(seed: int, frame: int, flicker: Flicker) -> float:
    """Return the exponent that uneven exposure or development gives a frame; 1 where there is none."""
    return math.exp(flicker.exposure * float(ar1(seed, "flicker exposure", frame, 1, flicker.rho)[0, 0]))


def bar_of(seed: int, frame: int, bars: Bars, view: View) -> Array:
    """Return the gain of every row of the view, shape (H, 1, 1): a raised cosine that wraps around the frame."""
    start = generator(seed, "bars").random() * view.frame_height
    centre = start + bars.speed * frame * view.frame_height / 540
    height = bars.height * view.frame_height
    rows = np.arange(view.top, view.top + view.height)
    far = (rows - centre + view.frame_height / 2) % view.frame_height - view.frame_height / 2
    bump = np.where(np.abs(far) < height / 2, 0.5 + 0.5 * np.cos(2 * np.pi * far / height), 0)
    return (1 + bars.strength * bump).astype(np.float32)[:, None, None]
