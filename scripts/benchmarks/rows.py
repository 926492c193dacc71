"""Rows moved to where the truth has them, for measures that ask what the picture is like and not where it stands."""

from __future__ import annotations

import numpy as np

from vsrestore.comparison.measures import LUMA

REACH, STEP = 24.0, 0.5
"""px: how far rows are looked for, and how finely."""


def in_place(frames: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return frames (T, H, W, 3) with each row moved sideways to where its luma fits that of the truth best."""
    return np.stack([_frame(frame, right) for frame, right in zip(frames, truth, strict=True)])


def _frame(frame: np.ndarray, truth: np.ndarray) -> np.ndarray:
    weights = np.array(LUMA, dtype=np.float32)
    luma, right = (frame @ weights)[..., None], (truth @ weights)[..., None]
    shifts = np.arange(-REACH, REACH + STEP, STEP)
    errors = [np.square(_moved(luma, shift) - right).mean(axis=(1, 2)) for shift in shifts]
    best = shifts[np.argmin(errors, axis=0)]
    result = np.empty_like(frame)
    for shift in np.unique(best):
        result[best == shift] = _moved(frame[best == shift], float(shift))
    return result


def _moved(rows: np.ndarray, shift: float) -> np.ndarray:
    """Return rows (H, W, C) moved to the right, linearly between pixels, edges repeated."""
    whole = int(np.floor(shift))
    part = np.float32(shift - whole)
    columns = np.arange(rows.shape[1]) - whole
    one, other = (np.clip(columns - more, 0, rows.shape[1] - 1) for more in (0, 1))
    return rows[:, one] * (1 - part) + rows[:, other] * part
