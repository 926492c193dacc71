"""Hairs and fibres: loose ones in one frame, lint, and hairs caught in the gate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import Box, Canvas, View, box_around
from .noise import Array, Event, ar1, events, generator, mean_duration
from .ranges import ranged

_GATE = (20, 400)
_EDGES = (0.45, 0.75, 0.88)
"""Shares of the hairs in the gate up to each edge: bottom, top, left; the rest sits at the right."""


@dataclass(frozen=True, kw_only=True)
class Hairs:
    """Hairs and fibres; the centre line is a random walk of the curvature.

    loose: mean loose hairs (30-300 px long, one frame) per full frame.
    lint: mean short curled fibres (5-40 px long, one frame) per full frame.
    gate: mean number of hairs in the gate at a time (20-400 frames, anchored at an edge, most at the bottom).
    dark: share of dark ones.
    thickness: mean thickness in px.
    """

    loose: float = ranged(0.0, 0, 6)
    lint: float = ranged(0.0, 0, 60)
    gate: float = ranged(0.0, 0, 3)
    dark: float = ranged(0.75, 0, 1)
    thickness: float = ranged(1.4, 0.8, 3)


@dataclass(frozen=True)
class Fibre:
    """A centre line of points (N, 2) as (y, x), its half thickness (N,), opacity and colour (3,)."""

    points: Array
    half: Array
    opacity: float
    colour: Array


def _walk(rng: np.random.Generator, start: tuple[float, float], heading: float, length: float, curl: float) -> Array:
    """Return points 1 px apart from `start` on, direction by a random walk of the curvature."""
    kicks = rng.standard_normal(max(int(length), 3)) * curl
    curvature, headings = 0.0, []
    for kick in kicks.tolist():
        curvature = 0.9 * curvature + kick
        heading += curvature
        headings.append(heading)
    steps = np.stack([np.sin(headings), np.cos(headings)], axis=1)
    return (np.cumsum(steps, axis=0) + start).astype(np.float32)


def _fibre(rng: np.random.Generator, points: Array, hairs: Hairs, scale: float, taper_start: bool = True) -> Fibre:
    """Dress a walk: points half a pixel apart, tapered ends, opacity, colour."""
    fine = np.arange(0, len(points) - 1, 0.5)
    dense = np.stack([np.interp(fine, np.arange(len(points)), points[:, i]) for i in (0, 1)], axis=1)
    part = np.linspace(0, 1, len(dense))
    ends = np.minimum(1, (1 - part) * 6) * (np.minimum(1, part * 6) if taper_start else 1)
    thickness = max(hairs.thickness * (0.6 + 0.9 * rng.random()) * scale, 0.8)
    level = 0.02 + 0.18 * rng.random() if rng.random() < hairs.dark else 0.8 + 0.2 * rng.random()
    half = 0.5 * thickness * (0.3 + 0.7 * ends)
    colour = np.full(3, level, dtype=np.float32)
    return Fibre(dense.astype(np.float32), half.astype(np.float32), 0.5 + 0.5 * float(rng.random()), colour)


def _lay(canvas: Canvas, fibre: Fibre) -> None:
    """Stamp the fibre point by point; the largest opacity counts."""
    reach = float(fibre.half.max()) + 1.5
    low, high = fibre.points.min(axis=0) - reach, fibre.points.max(axis=0) + reach
    box = box_around(canvas.view, (float(low[0]), float(high[0])), (float(low[1]), float(high[1])))
    if box is not None:
        canvas.blend(box, fibre.opacity * _stamp(fibre, box, math.ceil(reach)), fibre.colour)


def _stamp(fibre: Fibre, box: Box, radius: int) -> Array:
    height, width = len(box.ys), len(box.xs)
    local = fibre.points - (box.ys[0], box.xs[0])
    near = (local > -radius - 1).all(axis=1) & (local < (height + radius + 1, width + radius + 1)).all(axis=1)
    local, half = local[near].astype(np.float32), fibre.half[near]
    around = np.arange(-radius, radius + 1)
    rows = np.rint(local[:, 0]).astype(int)[:, None, None] + around[:, None]
    columns = np.rint(local[:, 1]).astype(int)[:, None, None] + around[None, :]
    distance = np.hypot(rows - local[:, 0, None, None], columns - local[:, 1, None, None])
    alpha = np.clip(0.5 + half[:, None, None] - distance, 0, 1).astype(np.float32)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width) & (alpha > 0)
    cover = np.zeros(height * width, dtype=np.float32)
    np.maximum.at(cover, (rows * width + columns)[inside], alpha[inside])
    return cover.reshape(height, width)


def lay_loose_hairs(canvas: Canvas, seed: int, frame: int, hairs: Hairs) -> None:
    """Lay the frame's loose hairs and lint. Order of draws: number, then hair by hair from its own generator."""
    view = canvas.view
    kinds = (("hair", hairs.loose, (30, 300), 0.03), ("lint", hairs.lint, (5, 40), 0.12))
    for effect, rate, (shortest, longest), curl in kinds:
        rng = generator(seed, effect, frame)
        for order in range(int(rng.poisson(rate))):
            own = generator(seed, effect, frame, order + 1)
            y, x, turn, span = own.random(4).tolist()
            start = (y * view.frame_height, x * view.frame_width)
            length = shortest * (longest / shortest) ** span * view.scale
            if _near(view, start, length):
                points = _walk(own, start, turn * 2 * math.pi, length, curl / view.scale)
                _lay(canvas, _fibre(own, points, hairs, view.scale))


def _near(view: View, start: tuple[float, float], length: float) -> bool:
    reach = length + 3
    return (
        view.top - reach < start[0] < view.top + view.height + reach
        and view.left - reach < start[1] < view.left + view.width + reach
    )


def lay_gate_hairs(canvas: Canvas, seed: int, frame: int, hairs: Hairs) -> None:
    """Lay the hairs caught in the gate; they do not move with the picture, so this comes after the weave."""
    for event in events(seed, "gate hair", frame, hairs.gate / mean_duration(*_GATE), _GATE):
        _lay(canvas, _gate_hair(seed, frame, event, hairs, canvas.view))


def _gate_hair(seed: int, frame: int, event: Event, hairs: Hairs, view: View) -> Fibre:
    """Return the hair of an event as it lies in this frame: the free end wobbles, the anchor stays."""
    rng = generator(seed, "gate hair", event.cell, event.order + 1)
    edge, place, lean, span, swing, curl = rng.random(6).tolist()
    starts = (
        ((view.frame_height + 1.0, place * view.frame_width), -0.5),
        ((-2.0, place * view.frame_width), 0.5),
        ((place * view.frame_height, -2.0), 0.0),
        ((place * view.frame_height, view.frame_width + 1.0), 1.0),
    )
    start, heading = starts[int(np.searchsorted(_EDGES, edge))]
    heading = heading * math.pi + (lean - 0.5) * 2.0
    points = _walk(rng, start, heading, 20 * 15**span * view.scale, 0.01 * 6**curl / view.scale)
    wobble = ar1(seed, "gate hair wobble", frame, 1, 0.9, 2, event.number)[0] * (1 + 2 * swing) * view.scale
    free = np.linspace(0, 1, len(points), dtype=np.float32)[:, None] ** 1.5
    return _fibre(rng, (points + free * wobble).astype(np.float32), hairs, view.scale, taper_start=False)
