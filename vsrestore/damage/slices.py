"""Slices of coded pictures that are lost on the way, and what a decoder shows in their place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Array, generator
from .ranges import ranged

BLOCK = 16
"""Side in px of a macroblock."""


@dataclass(frozen=True, kw_only=True)
class LostSlices:
    """Slices that never arrive: rows of macroblocks from somewhere on, which show what was there before.

    What is coded after a lost slice changes the wrong picture, so the error stays until the group of pictures ends. The
    first picture of a group needs no other and is spared.

    rate: chance of each row of macroblocks to lose a slice, 0 = off; up to 0.01.
    longest: rows of macroblocks that one slice may go on for.
    """

    rate: float = ranged(0.0, 0, 0.01)
    longest: int = ranged(3, 1, 8)


def lost_slices(seed: int, frame: int, height: int, width: int, slices: LostSlices) -> Array:
    """Return where the slices of a frame are lost, (H, W): 1 there, else 0. Draws: losses, starts, lengths."""
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    lost = np.zeros((rows, columns), dtype=np.float32)
    if slices.rate > 0:
        rng = generator(seed, "lost slices", frame)
        hit = np.flatnonzero(rng.random(rows) < slices.rate)
        starts, lengths = rng.integers(0, columns, rows), rng.integers(1, slices.longest + 1, rows)
        for row in hit.tolist():
            lost[row, starts[row] :] = 1
            lost[row + 1 : row + lengths[row]] = 1
    return np.kron(lost, np.ones((BLOCK, BLOCK), dtype=np.float32))[:height, :width]


def with_lost_slices(frames: Array, lost: Array, first: int, gop: int) -> Array:
    """Return decoded frames (T, H, W, 3) with the errors that lost slices leave behind.

    Args:
        lost: (T, H, W), where each frame lost its slices.
        first: frame number of frames[0]; groups of pictures begin at the multiples of `gop`.
    """
    if not lost.any():
        return frames
    result, error = frames.copy(), np.zeros_like(frames[0])
    for i in range(len(frames)):
        if (first + i) % gop == 0 or i == 0:
            error[:] = 0
            continue
        # What should have changed and did not, where the slice is lost; elsewhere the error is dragged along.
        error += lost[i][..., None] * (frames[i - 1] - frames[i])
        result[i] = np.clip(frames[i] + error, 0, 1)
    return result
