"""Marks for tests, drawn otherwise than the generators that networks have learnt from."""

import numpy as np


def scratched(pictures: np.ndarray, seed: int = 1) -> np.ndarray:
    """Lines on frames (T, H, W, 3) that wind a little and shiver, bright and dark, and one that is broken."""
    rng = np.random.default_rng(seed)
    result = pictures.astype(np.float32)
    count, height, width = result.shape[:3]
    for number, (column, change) in enumerate(((0.2, 0.35), (0.5, -0.3), (0.8, 0.4))):
        winding = np.cumsum(rng.normal(0, 0.12, (count, height)), axis=1)
        middle = column * width + winding + rng.normal(0, 0.5, (count, 1))
        cover = np.clip(1.5 - np.abs(np.arange(width) - middle[..., None]), 0, 1)
        if number == 2:
            cover[:, height // 3 : height // 2] = 0
        result += np.float32(change) * cover[..., None].astype(np.float32)
    return np.clip(result, 0, 1)


def stained(pictures: np.ndarray, seed: int = 1) -> np.ndarray:
    """Clouds on frames (T, H, W, 3), dark and bright and others on every frame, that one can see through."""
    rng = np.random.default_rng(seed)
    result = pictures.astype(np.float32)
    height, width = result.shape[1:3]
    for frame in result:
        for _ in range(2):
            y, x = rng.random(2) * (height, width)
            away = np.hypot(np.arange(height)[:, None] - y, np.arange(width) - x) / (rng.uniform(0.15, 0.3) * height)
            cover = np.clip(1.3 - away + 0.2 * np.sin(9 * away), 0, 1)[..., None]
            frame *= (1 + rng.choice([-0.3, 0.25]) * cover).astype(np.float32)
    return np.clip(result, 0, 1)


def cue_marked(pictures: np.ndarray, first: int, count: int) -> np.ndarray:
    """A white disc near the upper right corner on ``count`` frames of (T, H, W, 3)."""
    result = pictures.copy()
    height, width = result.shape[1:3]
    away = np.hypot(np.arange(height)[:, None] - 0.2 * height, np.arange(width) - 0.85 * width)
    cover = np.clip(0.06 * height - away, 0, 1)[..., None].astype(np.float32)
    result[first : first + count] += cover * (np.float32(0.95) - result[first : first + count])
    return result
