"""Vertical scratches that last many frames, and rain: short strokes of one frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, View, box_around
from .noise import Array, Event, ar1, events, generator, mean_duration
from .ranges import ranged

_SCRATCH = (10, 500)


@dataclass(frozen=True, kw_only=True)
class Scratches:
    """Almost vertical lines, steady or drifting, whole or broken (profile of Kokaram 1996, see `profile`).

    count: mean number of scratches at a time in the full frame, 0 = off, 1-6 usual.
    strength: largest |beta|; each scratch draws from a quarter of it up.
    drift: standard deviation of the wandering in px.
    dark: share of dark ones.
    broken: share of broken ones.
    coloured: share that hurts only some of the colour layers.
    """

    count: float = ranged(0.0, 0, 12)
    strength: float = ranged(0.3, 0.05, 0.4)
    drift: float = ranged(1.5, 0, 5)
    dark: float = ranged(0.5, 0, 1)
    broken: float = ranged(0.4, 0, 1)
    coloured: float = ranged(0.15, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Rain:
    """Short strokes of one frame, 5-60 px long, within 15 degrees of the vertical.

    rate: mean strokes per full frame, 0 = off, 2-30 usual.
    dark: share of dark ones.
    """

    rate: float = ranged(0.0, 0, 100)
    dark: float = ranged(0.3, 0, 1)


def profile(distance: Array, beta: float, kappa: float, half_width: float) -> Array:
    """Return beta * kappa^|d| * cos(3 pi |d| / (2 w)): what a scratch adds at distance d px from its centre."""
    far = np.abs(distance)
    return (beta * kappa**far * np.cos(3 * math.pi * far / (2 * half_width))).astype(np.float32)


def lay_scratches(canvas: Canvas, seed: int, frame: int, scratches: Scratches) -> None:
    """Lay the scratches that show in this frame."""
    for event in events(seed, "scratch", frame, scratches.count / mean_duration(*_SCRATCH), _SCRATCH):
        _scratch(canvas, seed, frame, event, scratches)


def _scratch(canvas: Canvas, seed: int, frame: int, event: Event, scratches: Scratches) -> None:
    """Lay one scratch. Order of draws: place, drift, slope, width, strength, signs, colour, breaks."""
    view = canvas.view
    rng = generator(seed, "scratch", event.cell, event.order + 1)
    place, drift, phase, slope, width, strength, sign, breaks = rng.random(8).tolist()
    layers = _layers(rng, scratches)
    wander = float(ar1(seed, "scratch wander", frame, 1, 0.95, 1, event.number)[0, 0]) * drift
    sway = math.sin(2 * math.pi * (phase + frame / (60 + 200 * phase)))
    centre = place * view.frame_width + (wander + sway * drift) * scratches.drift * view.scale
    lean = (slope - 0.5) * 0.006
    # The middle lobe is two thirds of the half width across; a narrower one would fall between the pixels.
    half_width = max((1 + 3 * width) * view.scale, 2.4)
    kappa = 0.3 + 0.5 * width
    reach = max(3 * half_width, 4.0)
    ends = sorted((centre, centre + lean * view.frame_height))
    box = box_around(view, (view.top, view.top + view.height - 1), (ends[0] - reach, ends[1] + reach))
    if box is None:
        return
    beta = scratches.strength * (0.25 + 0.75 * strength) * (-1 if sign < scratches.dark else 1)
    distance = (box.xs[None, :] - (centre + lean * box.ys)[:, None]) / max(view.scale, 0.6)
    delta = profile(distance.astype(np.float32), beta, kappa, half_width / max(view.scale, 0.6))
    if breaks < scratches.broken:
        delta *= _presence(seed, frame, event, breaks / max(scratches.broken, 1e-6), box.ys, view)[:, None]
    canvas.add(box, delta, layers)


def _layers(rng: np.random.Generator, scratches: Scratches) -> Array:
    """Return the weight per channel: all three, or one or two layers of the emulsion only."""
    deep, which = int(rng.integers(1, 3)), rng.permutation(3)
    layers = np.ones(3, dtype=np.float32)
    if rng.random() < scratches.coloured:
        layers[which[deep:]] = 0.1
    return layers


def _presence(seed: int, frame: int, event: Event, threshold: float, ys: Array, view: View) -> Array:
    """Return in 0-1 how much of a broken scratch shows per row: one process along the whole strip of film."""
    first = frame * round(view.frame_height * 1.05) + int(ys[0])
    z = ar1(seed, "scratch breaks", first, len(ys), 0.97, 1, event.number)[:, 0]
    return 1 / (1 + np.exp(np.clip(-6 * (z - (1.6 * threshold - 0.6)), -30, 30)))


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
