"""Upright things of the picture, which are no scratches: fences, posts, ruled lines, rows of windows, black edges."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vsrestore.training.augment import Frames

Array = NDArray[np.floating]
LAYERS = 4  # at most
POSTS = (2, 16)
WIDTHS = (0.7, 9.0)  # px
GAPS = (4.0, 60.0)  # px from post to post
LENGTHS = (0.08, 2.0)  # of the frame's height
EDGE = 0.12  # widest black edge, of the frame's width
SEEN_THROUGH = 0.25  # share of layers one can see through, as shadows and reflections, which are hardly coloured
SKIES = 0.2  # share before a plain sky, where nothing else tells how the camera moves


class _Layer(NamedTuple):
    """Posts that move together; lengths in px, of each post where it has a value of its own."""

    columns: Array
    tops: Array
    length: float
    storey: float
    half: Array
    lean: float
    speed: Array
    colour: Array
    shade: float
    cover: float


def draw_uprights(frames: Frames, rng: np.random.Generator) -> Frames:
    """Draw up to four layers of uprights into frames (T, H, W, 3), and now and then black edges; they stand or move.

    What tells them from scratches: they end within the picture, stand in rows, are straight, have a light and a dark
    side, and keep their place in the picture.
    """
    frames = frames.copy()
    if rng.random() < SKIES:
        _clear_the_sky(frames, rng)
    for _ in range(int(rng.integers(1, LAYERS + 1))):
        _draw(frames, _layer(frames.shape[1], frames.shape[2], rng))
    if rng.random() < 0.2:
        _darken_edges(frames, rng)
    return np.clip(frames, 0, 1)


def _clear_the_sky(frames: Frames, rng: np.random.Generator) -> None:
    """Draw a sky that shades from one tone to another, down to a horizon that may lie below the frame."""
    height = frames.shape[1]
    horizon = min(int(height * rng.uniform(0.4, 1.6)), height)
    tones = rng.random((2, 1)) + rng.normal(0, 0.1, (2, 3))
    shares = np.linspace(0, 1, horizon)[:, None, None]
    frames[:, :horizon] = tones[0] + shares * (tones[1] - tones[0])


def _layer(height: int, width: int, rng: np.random.Generator) -> _Layer:
    number, gap = int(rng.integers(*POSTS)), float(np.exp(rng.uniform(*np.log(GAPS))))
    number = int(width / gap) + 2 if rng.random() < 0.3 else number
    regular, even = rng.random() < 0.6, rng.random() < 0.7
    row = rng.uniform(-number * gap / 2, width) + gap * np.arange(number)
    half = 0.5 * np.exp(rng.uniform(np.log(WIDTHS[0]), np.log(WIDTHS[1]), 1 if even else number))
    length = float(np.exp(rng.uniform(*np.log(LENGTHS)))) * height
    seen_through = rng.random() < SEEN_THROUGH
    return _Layer(
        columns=row if regular else rng.uniform(0, width, max(number // 3, 1)),
        tops=height * rng.uniform(-0.6, 0.9, 1 if even else number),
        length=length,
        storey=length * rng.uniform(1.1, 2) if rng.random() < 0.4 else np.inf,
        half=half,
        lean=0.03 * rng.standard_normal() * (rng.random() < 0.4),
        speed=rng.normal(0, 2.0, 2) * (rng.random() < 0.5),
        colour=rng.random() + (0.02 if seen_through else 0.1) * rng.standard_normal(3),
        shade=rng.normal(0, 0.3) * (rng.random() < 0.5),
        cover=rng.uniform(0.15, 1) if seen_through else 1.0,
    )


def _draw(frames: Frames, layer: _Layer) -> None:
    count, height, width = frames.shape[:3]
    ys, xs = np.arange(height)[:, None], np.arange(width)[None]
    posts = len(layer.columns)
    tops, halves = (np.resize(part, posts) for part in (layer.tops, layer.half))
    for t in range(count):
        for column, top, half in zip(layer.columns, tops, halves, strict=True):
            down = ys - top - layer.speed[0] * t
            aside = xs - (column + layer.speed[1] * t + layer.lean * down)
            below = np.where(down >= 0, np.mod(down, layer.storey), down) if np.isfinite(layer.storey) else down
            alpha = np.clip(half + 0.5 - np.abs(aside), 0, 1) * np.clip(below, 0, 1)
            alpha = alpha * np.clip(layer.length - below, 0, 1) * layer.cover
            tone = layer.colour + layer.shade * np.clip(aside / half, -1, 1)[..., None]
            frames[t] += (alpha[..., None] * (tone - frames[t])).astype(np.float32)


def _darken_edges(frames: Frames, rng: np.random.Generator) -> None:
    """Draw the black edges of a picture narrower than the frame, or of a scan."""
    width = frames.shape[2]
    level, soft = rng.uniform(0, 0.08), rng.uniform(0.5, 3)
    xs = np.arange(width)
    for far in (xs, width - 1 - xs):
        cover = np.clip((rng.uniform(-0.3, 1) * EDGE * width - far) / soft, 0, 1)
        frames += cover[:, None].astype(np.float32) * (np.float32(level) - frames)
