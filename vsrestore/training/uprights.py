"""Upright things of the picture, fences, posts, wires and window frames, drawn into frames: no scratches."""

from __future__ import annotations

import numpy as np

from vsrestore.training.augment import Frames

MOST = 14  # posts of a fence
WIDTHS = (0.8, 8.0)  # px
GAPS = (5.0, 40.0)
LENGTHS = (0.1, 1.5)  # of the frame's height


def draw_uprights(frames: Frames, rng: np.random.Generator) -> Frames:
    """Draw a fence or a few single posts into frames (T, H, W, 3); they stand, or move steadily.

    What tells them from scratches: they end within the picture, stand in rows, are straight, and keep their place in
    the picture.
    """
    frames = frames.copy()
    height, width = frames.shape[1:3]
    fence = rng.random() < 0.5
    number = int(rng.integers(3, MOST)) if fence else int(rng.integers(1, 4))
    gap = rng.uniform(*GAPS)
    row = rng.uniform(-number * gap / 2, width) + gap * np.arange(number)
    columns = row if fence else rng.uniform(0, width, number)
    tops = np.full(number, rng.uniform(-0.5, 0.9)) if fence else rng.uniform(-0.5, 0.9, number)
    lengths = np.full(number, rng.uniform(*LENGTHS)) if fence else rng.uniform(*LENGTHS, number)
    half = 0.5 * np.exp(rng.uniform(*np.log(WIDTHS)))
    lean = 0.03 * rng.standard_normal() * (rng.random() < 0.5)
    speed = rng.normal(0, 2.5, 2) * (rng.random() < 0.4)
    colour, cover = rng.random() + 0.1 * rng.standard_normal(3), rng.uniform(0.15, 1)
    ys, xs = np.arange(height)[:, None], np.arange(width)[None]
    for t, frame in enumerate(frames):
        for column, top, length in zip(columns, tops * height, lengths * height, strict=True):
            down = ys - top - speed[0] * t
            middle = column + speed[1] * t + lean * down
            alpha = np.clip(half + 0.5 - np.abs(xs - middle), 0, 1) * np.clip(down, 0, 1) * np.clip(length - down, 0, 1)
            frame += (cover * alpha).astype(np.float32)[..., None] * (colour.astype(np.float32) - frame)
    return np.clip(frames, 0, 1)
