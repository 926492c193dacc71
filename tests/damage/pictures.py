"""Pictures to damage."""

from __future__ import annotations

import numpy as np


def noise(length=3, height=48, width=64):
    """White noise, nothing smooth about it."""
    return np.random.default_rng(7).random((length, height, width, 3), dtype=np.float32)


def flat(level, height=48, width=64, length=1):
    return np.full((length, height, width, 3), level, dtype=np.float32)


def smooth(height=96, width=128):
    """A band-limited picture (H, W, 3) between 0.1 and 0.9."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = [np.sin(x / 5 + y / 9), np.sin(x / 7 - y / 6 + 1), np.cos(x / 11 + y / 4)]
    return (0.5 + 0.4 * np.stack(waves, axis=-1)).astype(np.float32)
