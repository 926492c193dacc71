"""Fingerprints: ridges of grease that a hand has left on the film, over one frame or some."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, box_around
from .noise import Array, Event, between, events, generator, smooth_field
from .ranges import ranged

DURATIONS = (1, 3)
"""Fewest and most frames that a print reaches over."""

_FRAME_LINE = 1.05


@dataclass(frozen=True, kw_only=True)
class Fingerprints:
    """Prints of fingers; on 35 mm film one is as large as a frame.

    rate: mean prints that start per frame, 0 = off.
    size: half the width in px, drawn evenly in the logarithm between these two.
    pitch: px from ridge to ridge; half a millimetre is 16 px on 35 mm film, less on a scan of less.
    opacity: of the ridges at most. bright: share of bright ones.
    """

    rate: float = ranged(0.0, 0, 0.5)
    size: tuple[float, float] = ranged((60.0, 200.0), 30, 300)
    pitch: float = ranged(14.0, 5, 25)
    opacity: float = ranged(0.25, 0.03, 0.6)
    bright: float = ranged(0.5, 0, 1)


def lay_fingerprints(canvas: Canvas, seed: int, frame: int, prints: Fingerprints) -> None:
    """Lay the prints that show in this frame."""
    for event in events(seed, "fingerprint", frame, prints.rate, DURATIONS):
        _lay(canvas, seed, frame, event, prints)


def _lay(canvas: Canvas, seed: int, frame: int, event: Event, prints: Fingerprints) -> None:
    """Lay one print. Order of draws: place, size, turn, strength, sign, tint, then its ridges."""
    view, rng = canvas.view, generator(seed, "fingerprint place", event.number)
    y, x, turn, strength, sign = rng.random(5).tolist()
    half = between(rng, *prints.size) * view.scale
    along = (event.start + 0.5 * (event.length - 1) - frame) * _FRAME_LINE * view.frame_height
    y, x = y * view.frame_height + along, x * view.frame_width
    box = box_around(view, (y - 1.5 * half, y + 1.5 * half), (x - 1.5 * half, x + 1.5 * half))
    if box is None:
        return
    gain = (1.0 if sign < prints.bright else -1.0) * (1 + 0.05 * rng.standard_normal(3))
    cover = _ridges(rng, box.ys - np.float32(y), box.xs - np.float32(x), half, turn, prints.pitch * view.scale)
    canvas.multiply(box, np.float32(prints.opacity * (0.3 + 0.7 * strength)) * cover, gain.astype(np.float32))


def _ridges(rng: np.random.Generator, ys: Array, xs: Array, half: float, turn: float, pitch: float) -> Array:
    """Return the cover in 0-1 of a print around (0, 0): bent rings, broken by pores, fading at an oval rim."""
    angle = (turn - 0.5) * math.pi
    along = ys[:, None] * math.cos(angle) + xs[None, :] * math.sin(angle)
    across = xs[None, :] * math.cos(angle) - ys[:, None] * math.sin(angle)
    bent = 0.12 * half * smooth_field(rng, ys, xs, 0.8 * half) + 0.02 * half * smooth_field(rng, ys, xs, 0.25 * half)
    rings = np.cos(2 * math.pi * (np.hypot(along * 0.7, across) + bent) / max(pitch, 3.0))
    pores = smooth_field(rng, ys, xs, max(1.5 * pitch, 4.0), 10)
    pressed = smooth_field(rng, ys, xs, half, 8)
    rim = np.clip(3 * (1.15 - np.hypot(along / 1.3, across) / half + 0.1 * pressed), 0, 1)
    ridges = np.clip(0.5 + 1.2 * rings + 0.5 * pores, 0, 1)
    return (rim * (0.15 + 0.85 * ridges) * np.clip(0.8 + 0.3 * pressed, 0, 1)).astype(np.float32)
