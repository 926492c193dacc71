"""Rain: short strokes of one frame, as many as worn prints have."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, box_around
from .noise import generator
from .ranges import ranged


@dataclass(frozen=True, kw_only=True)
class Rain:
    """Short strokes of one frame, 5-60 px long, within 15 degrees of the vertical.

    rate: mean strokes per full frame, 0 = off, 2-30 usual.
    dark: share of dark ones.
    """

    rate: float = ranged(0.0, 0, 100)
    dark: float = ranged(0.3, 0, 1)


def lay_rain(canvas: Canvas, seed: int, frame: int, rain: Rain) -> None:
    """Lay the frame's strokes. Order of draws: number, place, length, angle, thickness, opacity, darkness."""
    view, rng = canvas.view, generator(seed, "rain", frame)
    n = int(rng.poisson(rain.rate))
    place = rng.random((n, 2)) * (view.frame_height, view.frame_width)
    lengths = 5 * 12 ** rng.random(n) * view.scale
    angles = (rng.random(n) - 0.5) * math.radians(30)
    halves = np.maximum((0.4 + 0.6 * rng.random(n)) * view.scale, 0.4)
    opacity, dark = 0.3 + 0.6 * rng.random(n), rng.random(n) < rain.dark
    for (y, x), length, angle, half, cover, black in zip(place, lengths, angles, halves, opacity, dark, strict=True):
        sin, cos = math.sin(angle), math.cos(angle)
        side = abs(sin) * length / 2 + half + 1.5
        box = box_around(view, (y - length / 2 - 1.5, y + length / 2 + 1.5), (x - side, x + side))
        if box is None:
            continue
        dy, dx = (box.ys - y)[:, None], (box.xs - x)[None, :]
        across = np.abs(dx * cos - dy * sin)
        over = np.maximum(np.abs(dy * cos + dx * sin) - (length / 2 - 2), 0)
        alpha = cover * np.clip(0.5 + half - across, 0, 1) * np.clip(1 - over / 3, 0, 1)
        canvas.blend(box, alpha.astype(np.float32), np.full(3, 0.05 if black else 0.92, dtype=np.float32))
