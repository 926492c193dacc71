"""Dirt and dust that show in one frame only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Box, Canvas, View, box_around
from .noise import Array, ar1, generator, smooth_field
from .ranges import ranged


@dataclass(frozen=True, kw_only=True)
class Dirt:
    """Dirt and dust on the film, one frame long (Kokaram 1998: cover with a colour by a mask).

    rate: mean specks per full frame, 0 = off; light 1, typical 6, heavy 40 (hundreds of fine ones).
    dark: share of dark specks (dirt on the print), the others are white (dirt on the negative).
    area: median area in px^2 at 720 px width, cut to 2-600; spread: standard deviation of its logarithm.
    clusters: share of specks that lie in clusters.
    burst: how much the rate swings from frame to frame, 0 = not, typical 0.7.
    softness: width of the edge in px.
    opacity: lowest opacity; each speck draws between it and 1.
    tint: share of specks that are tinted, as by damage to one layer of the emulsion.
    halo: strength of the opposite rim that a sharpened scan leaves around a speck.
    """

    rate: float = ranged(0.0, 0, 1500)
    dark: float = ranged(0.7, 0, 1)
    area: float = ranged(12.0, 2, 60)
    spread: float = ranged(0.9, 0, 1.2)
    clusters: float = ranged(0.2, 0, 1)
    burst: float = ranged(0.7, 0, 1)
    softness: float = ranged(0.8, 0.5, 3)
    opacity: float = ranged(0.6, 0.1, 1)
    tint: float = ranged(0.1, 0, 1)
    halo: float = ranged(0.0, 0, 0.5)


@dataclass(frozen=True)
class Specks:
    """The specks of one frame, one row each; positions in frame coordinates, radii and edges in px."""

    y: Array
    x: Array
    radius: Array
    aspect: Array
    angle: Array
    edge: Array
    opacity: Array
    colour: Array
    bumps: Array
    phases: Array
    ragged: Array

    @property
    def reach(self) -> Array:
        """Largest distance from the centre that a speck may cover."""
        return self.radius * np.sqrt(self.aspect) * 1.8 + self.edge + 3.0


def draw_specks(seed: int, frame: int, dirt: Dirt, view: View) -> Specks:
    """Draw the specks of one frame. Order of draws: number, place, size, shape, edge, opacity, colour."""
    rng = generator(seed, "dirt", frame)
    swing = np.exp(dirt.burst * float(ar1(seed, "dirt burst", frame, 1, 0.8)[0, 0]) - dirt.burst**2 / 2)
    n = int(rng.poisson(dirt.rate * swing))
    y, x = _places(rng, n, dirt, view)
    area = np.clip(dirt.area * np.exp(dirt.spread * rng.standard_normal(n)), 2, 600) * view.scale**2
    aspect = np.exp(np.abs(rng.standard_normal(n)) * np.where(rng.random(n) < 0.4, 1.0, 0.3)).clip(1, 6)
    angle = rng.random(n) * np.pi
    bumps = rng.standard_normal((n, 4)) * (0.25 / np.arange(2, 6))
    phases = rng.random((n, 4)) * 2 * np.pi
    ragged = rng.random(n) * (rng.random(n) < 0.5)
    edge = np.maximum(dirt.softness * (0.6 + 0.8 * rng.random(n)) * max(view.scale, 0.5), 0.5)
    opacity = dirt.opacity + (1 - dirt.opacity) * rng.random(n)
    drawn = (y, x, np.sqrt(area / np.pi), aspect, angle, edge, opacity, _colours(rng, n, dirt), bumps, phases, ragged)
    return Specks(*(np.asarray(a, dtype=np.float32) for a in drawn))


def _places(rng: np.random.Generator, n: int, dirt: Dirt, view: View) -> tuple[Array, Array]:
    place = rng.random((n, 2)) * (view.frame_height, view.frame_width)
    centres = rng.random((max(1, n // 12), 2)) * (view.frame_height, view.frame_width)
    around = centres[rng.integers(0, len(centres), n)] + rng.standard_normal((n, 2)) * 40 * view.scale
    place = np.where((rng.random(n) < dirt.clusters)[:, None], around, place)
    return place[:, 0].astype(np.float32), place[:, 1].astype(np.float32)


def _colours(rng: np.random.Generator, n: int, dirt: Dirt) -> Array:
    dark = rng.random(n) < dirt.dark
    level = np.where(dark, 0.02 + 0.13 * rng.random(n), 0.85 + 0.15 * rng.random(n))
    tint = np.zeros((n, 3))
    tint[np.arange(n), rng.integers(0, 3, n)] = np.where(dark, 0.3, -0.5) * rng.random(n)
    tint *= (rng.random(n) < dirt.tint)[:, None]
    return (level[:, None] + tint).astype(np.float32)


def lay_dirt(canvas: Canvas, seed: int, frame: int, dirt: Dirt) -> None:
    """Lay the frame's dirt on the canvas."""
    view = canvas.view
    specks = draw_specks(seed, frame, dirt, view)
    reach = specks.reach
    inside = (specks.y + reach >= view.top) & (specks.y - reach < view.top + view.height)
    inside &= (specks.x + reach >= view.left) & (specks.x - reach < view.left + view.width)
    for i in np.flatnonzero(inside).tolist():
        y, x, r = float(specks.y[i]), float(specks.x[i]), float(reach[i])
        box = box_around(view, (y - r, y + r), (x - r, x + r))
        if box is not None:
            depth = _depth(specks, i, box, seed, frame)
            if dirt.halo > 0:
                rim = specks.opacity[i] * np.clip(1 + (depth + 1) / np.float32(1.5), 0, 1)
                canvas.blend(box, np.float32(-dirt.halo) * rim, specks.colour[i])
            canvas.blend(box, specks.opacity[i] * np.clip(0.5 + depth / specks.edge[i], 0, 1), specks.colour[i])


def _depth(specks: Specks, i: int, box: Box, seed: int, frame: int) -> Array:
    """Return how far in px each pixel of the box lies inside a speck: a star-shaped outline, stretched, ragged."""
    radius, aspect = specks.radius[i], specks.aspect[i]
    dy, dx = (box.ys - specks.y[i])[:, None], (box.xs - specks.x[i])[None, :]
    cos, sin = np.cos(specks.angle[i]), np.sin(specks.angle[i])
    stretch = np.sqrt(aspect)
    along, across = (dx * cos + dy * sin) / stretch, (dy * cos - dx * sin) * stretch
    distance = np.hypot(along, across)
    turn = np.arctan2(across, along)
    outline = np.ones_like(distance)
    for k in range(4):
        outline += specks.bumps[i, k] * np.cos((k + 2) * turn + specks.phases[i, k])
    if specks.ragged[i] > 0 and radius > 1.5:
        rng = generator(seed, "dirt shape", frame, i)
        outline += 0.5 * specks.ragged[i] * smooth_field(rng, box.ys, box.xs, max(0.7 * float(radius), 2.5))
    return (radius * np.minimum(outline, np.float32(1.8)) - distance) / stretch
