"""Stains that one can see through: water marks with their tide lines, drops, smears of grease or chemicals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .canvas import Canvas, View, box_around
from .noise import Array, Event, between, events, generator, smooth_field
from .ranges import ranged

DURATIONS = (1, 12)
"""Fewest and most frames that a stain reaches over."""

_FRAME_LINE = 1.05


@dataclass(frozen=True, kw_only=True)
class Stains:
    """Large soft stains; on the film they lie across several frames, so each frame shows another part.

    rate: mean stains that start per frame, 0 = off.
    size: radius in px, drawn evenly in the logarithm between these two.
    softness: how far the edge fades, as a part of the radius, drawn evenly in the logarithm between these two.
    opacity: largest change of brightness; each stain draws from a fifth of it up.
    bright: share of bright ones. milky: share that veil the picture with a colour instead of shading it.
    rim: share with a tide line at the edge. drops: share that are many drops instead of one pool.
    lasting: share that stay where they are in the picture, as those of the lens or the print's original do.
    tint: how far the colours differ.
    """

    rate: float = ranged(0.0, 0, 1)
    size: tuple[float, float] = ranged((40.0, 250.0), 15, 500)
    softness: tuple[float, float] = ranged((0.1, 1.2), 0.03, 1.5)
    opacity: float = ranged(0.3, 0.03, 0.9)
    bright: float = ranged(0.5, 0, 1)
    milky: float = ranged(0.3, 0, 1)
    rim: float = ranged(0.5, 0, 1)
    drops: float = ranged(0.2, 0, 1)
    lasting: float = ranged(0.1, 0, 1)
    tint: float = ranged(0.1, 0, 0.5)


class _Pool(NamedTuple):
    """One pool of a stain in this frame: its centre, radii and softness in px and as parts.

    ragged: from 0.1, nearly a disc, to 3, tongues and islands.
    """

    y: float
    x: float
    tall: float
    wide: float
    softness: float
    ragged: float
    rim: float


def lay_stains(canvas: Canvas, seed: int, frame: int, stains: Stains) -> None:
    """Lay the stains that show in this frame."""
    for event in events(seed, "stain", frame, stains.rate, DURATIONS):
        _lay(canvas, seed, frame, event, stains)


def _lay(canvas: Canvas, seed: int, frame: int, event: Event, stains: Stains) -> None:
    """Lay one stain. Order of draws: strength, colour, kind, place and size of the pools, then their outlines."""
    view, rng = canvas.view, generator(seed, "stain place", event.number)
    bright, strength, milky, lasting, rim = rng.random(5).tolist()
    sign = 1.0 if bright < stains.bright else -1.0
    opacity = stains.opacity * (0.2 + 0.8 * strength)
    tint = stains.tint * rng.standard_normal(3)
    pools = _pools(rng, view, stains, event, lasting < stains.lasting, rim < stains.rim)
    down = 0.0 if lasting < stains.lasting else (event.start + event.length / 2 - frame) * view.frame_height
    for number, pool in enumerate(pools):
        y, reach = pool.y + down * _FRAME_LINE, 1.35
        rows = (y - reach * pool.tall, y + reach * pool.tall)
        box = box_around(view, rows, (pool.x - reach * pool.wide, pool.x + reach * pool.wide))
        if box is None:
            continue
        ys, xs = box.ys - np.float32(y), box.xs - np.float32(pool.x)
        cover = opacity * _cover(generator(seed, "stain outline", event.number, number), ys, xs, pool)
        if milky < stains.milky:
            colour = np.clip((0.85 if sign > 0 else 0.12) + tint, 0, 1)
            canvas.blend(box, cover, colour.astype(np.float32))
        else:
            canvas.multiply(box, cover, (sign * (1.0 + tint)).astype(np.float32))


def _pools(
    rng: np.random.Generator, view: View, stains: Stains, event: Event, lasting: bool, rimmed: bool
) -> list[_Pool]:
    """Draw the pools of a stain: one, or a spatter of drops; those that run along the film are as long as it lasts."""
    low, high = stains.size
    radius, aspect = between(rng, low, high) * view.scale, between(rng, 0.5, 2)
    y, x = (rng.random(2) * (view.frame_height, view.frame_width)).tolist()
    softness, ragged, rim = between(rng, *stains.softness), between(rng, 0.1, 3), rng.random() if rimmed else 0.0
    if rng.random() < stains.drops:
        count = int(rng.integers(4, 25))
        spots = rng.standard_normal((count, 2)) * (1.5 * radius) + (y, x)
        sizes = 0.08 * 5 ** rng.random(count) * radius + 3
        return [
            _Pool(sy, sx, size, size, softness, 0.5 * ragged, rim)
            for (sy, sx), size in zip(spots.tolist(), sizes.tolist(), strict=True)
        ]
    tall = radius * aspect if lasting else max(radius, 0.5 * event.length * view.frame_height)
    return [_Pool(y, x, tall, radius / aspect, softness, ragged, rim)]


def _cover(rng: np.random.Generator, ys: Array, xs: Array, pool: _Pool) -> Array:
    """Return the cover in 0-1 of a pool around (0, 0): a ragged disc, soft, cloudy inside, with a tide line."""
    size = min(pool.tall, pool.wide)
    ragged = pool.ragged * smooth_field(rng, ys, xs, max(0.6 * size, 4.0), 8)
    clouds = smooth_field(rng, ys, xs, max(0.25 * size, 3.0), 8)
    inside = 1 - np.hypot(ys[:, None] / pool.tall, xs[None, :] / pool.wide) + 0.3 * ragged
    # Nothing is left at the border of the box.
    inside = np.minimum(inside, 4 * (1.3 - np.hypot(ys[:, None] / pool.tall, xs[None, :] / pool.wide)))
    step = np.clip(inside / pool.softness, 0, 1)
    line = pool.rim * np.exp(-((inside / (0.03 + 0.06 * pool.softness)) ** 2))
    body = step * step * (3 - 2 * step) * (1 + 0.25 * clouds) * (1 - 0.6 * math.sqrt(pool.rim))
    return np.clip(body + line * (inside > -0.2), 0, 1).astype(np.float32)
