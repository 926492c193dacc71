"""Blotches and water marks: larger, irregular, partly transparent, one frame long; mould, which stays."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from .canvas import Canvas, box_around
from .noise import Array, generator, smooth_field
from .ranges import ranged


@dataclass(frozen=True, kw_only=True)
class Blotches:
    """Blotches one can see through: I' = I * (1 + b * g).

    rate: mean blotches per full frame; 0.02-0.5 in films, more in wet ones.
    size: radius in px, drawn evenly in the logarithm between these two.
    opacity: highest opacity.
    bright: share of blotches that brighten.
    """

    rate: float = ranged(0.0, 0, 5)
    size: tuple[float, float] = ranged((10.0, 60.0), 8, 80)
    opacity: float = ranged(0.8, 0.1, 0.9)
    bright: float = ranged(0.5, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Mould:
    """Mould that has eaten into the emulsion from its edges: in every frame another pattern of the same kind.

    cover: share of the frame that it covers, about, 0 = off; 0.02-0.3.
    size: wavelength in px of its pattern.
    opacity: of its threads; between them it is a third of that.
    """

    cover: float = ranged(0.0, 0, 0.5)
    size: float = ranged(40.0, 15, 80)
    opacity: float = ranged(0.5, 0.2, 0.9)


def lay_blotches(canvas: Canvas, seed: int, frame: int, blotches: Blotches) -> None:
    """Lay the frame's blotches. Order of draws: number, then each from its own generator."""
    view = canvas.view
    for order in range(int(generator(seed, "blotch", frame).poisson(blotches.rate))):
        rng = generator(seed, "blotch", frame, order + 1)
        y, x = (rng.random(2) * (view.frame_height, view.frame_width)).tolist()
        smallest, largest = blotches.size
        radius = smallest * (largest / smallest) ** rng.random() * view.scale
        opacity = blotches.opacity * (0.3 + 0.7 * rng.random())
        strength = 0.3 + 1.2 * rng.random() if rng.random() < blotches.bright else -0.2 - 0.6 * rng.random()
        gain = strength * (1 + 0.15 * rng.standard_normal(3))
        box = box_around(view, (y - radius, y + radius), (x - radius, x + radius))
        if box is not None:
            cover = opacity * _cover(rng, box.ys - np.float32(y), box.xs - np.float32(x), radius)
            canvas.multiply(box, cover.astype(np.float32), gain.astype(np.float32))


def _cover(rng: np.random.Generator, ys: Array, xs: Array, radius: float) -> Array:
    """Return the cover in 0-1 of a blotch around (0, 0): a thresholded smooth field inside a soft disc."""
    width = 0.1 + 0.4 * rng.random()
    field = smooth_field(rng, ys, xs, max(radius * 0.5, 3.0), 8)
    far = (ys[:, None] ** 2 + xs[None, :] ** 2) / (radius * radius)
    step = np.clip((0.35 * field + 0.55 - far) / width, 0, 1) * np.clip((1 - far) * 6, 0, 1)
    # The rim of a dried drop is stronger than its middle.
    rim = 1 + 0.5 * (4 * step * (1 - step))
    return np.minimum(step * step * (3 - 2 * step) * rim, 1)


def lay_mould(canvas: Canvas, seed: int, frame: int, mould: Mould) -> None:
    """Lay the frame's mould; its colour and brightness belong to the film, its pattern to the frame."""
    view = canvas.view
    box = box_around(view, (0, view.frame_height - 1), (0, view.frame_width - 1))
    if box is None or mould.cover <= 0:
        return
    rng = generator(seed, "mould", frame)
    size = mould.size * view.scale
    patches = smooth_field(rng, box.ys, box.xs, 2 * size, 12)
    middle = 1 - np.abs(box.xs / (0.5 * view.frame_width) - 1)
    # At the edges of the film the threshold is lower.
    threshold = NormalDist().inv_cdf(1 - min(mould.cover, 0.99)) + 1.2 * (middle[None, :] - 0.5)
    patch = np.clip((patches - threshold) / 0.8 + 0.5, 0, 1)
    # Threads lie where a smooth field crosses zero.
    fields = [smooth_field(rng, box.ys, box.xs, part * size, 16) for part in (0.7, 0.35)]
    threads = np.maximum(*(np.clip(1 - 3 * np.abs(field), 0, 1) for field in fields))
    cover = mould.opacity * patch * (0.3 + 0.7 * threads)
    gain = generator(seed, "mould colour").standard_normal(3) * 0.15 - 0.55
    canvas.multiply(box, cover.astype(np.float32), gain.astype(np.float32))
