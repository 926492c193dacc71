"""Interlaced frames: two fields of different times in one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Array
from .ranges import ranged


@dataclass(frozen=True, kw_only=True)
class Interlacing:
    """Combing from material of the same rate: the later field shows the next frame.

    combing: share of the next frame in the later field, 0 = off, 1 = full combing.
    soften: strength of the vertical low-pass (1/4, 1/2, 1/4) before, against line twitter; only with combing.
    bottom_first: the bottom field is the earlier one.
    """

    combing: float = ranged(0.0, 0, 1)
    soften: float = ranged(0.0, 0, 1)
    bottom_first: bool = False


def interlace(picture: Array, following: Array, interlacing: Interlacing, first_row: int = 0) -> Array:
    """Return the picture (H, W, C) with the lines of its later field taken from the picture that follows.

    Args:
        first_row: frame row of the first row given.
    """
    picture, following = (_softened(part, interlacing.soften) for part in (picture, following))
    later = 0 if interlacing.bottom_first else 1
    start = (later - first_row) % 2
    combed = picture.copy()
    combed[start::2] += np.float32(interlacing.combing) * (following[start::2] - picture[start::2])
    return combed


def _softened(picture: Array, strength: float) -> Array:
    if strength == 0:
        return picture
    padded = np.pad(picture, ((1, 1), (0, 0), (0, 0)), mode="edge")
    low = np.float32(0.25) * (padded[:-2] + padded[2:]) + np.float32(0.5) * picture
    return picture + np.float32(strength) * (low - picture)
