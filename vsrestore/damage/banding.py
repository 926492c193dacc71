"""Banding: false contours in smooth areas that too few levels leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Array, filtered, gaussian
from .ranges import ranged


@dataclass(frozen=True, kw_only=True)
class Banding:
    """Few levels without dither.

    bits: per sample, 0 = off; 4-7. smooth: sigma in px of a blur before, as noise reduction leaves it.
    """

    bits: int = ranged(0, 0, 8)
    smooth: float = ranged(0.0, 0, 5)


def banded(picture: Array, banding: Banding, scale: float) -> Array:
    """Return a picture (H, W, 3) with round(I L) / L of it, L = 2^bits - 1; half a level rounds up."""
    if banding.smooth > 0:
        kernel = gaussian(banding.smooth * scale)
        reach = len(kernel) // 2
        picture = filtered(np.pad(picture, ((reach, reach), (reach, reach), (0, 0)), mode="edge"), kernel)
    levels = np.float32(2**banding.bits - 1)
    return np.asarray(np.floor(np.clip(picture, 0, 1) * levels + np.float32(0.5)) / levels, dtype=np.float32)
