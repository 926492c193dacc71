"""Faults of whole frames, as a map from frames shown to frames there were: twice, dropped, frozen, black."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .noise import Array, events, generator
from .ranges import ranged

BLACK = -1
"""Stands in a map for a frame that shows nothing."""

_DROP, _FREEZE, _BLACK = (2, 25), (5, 50), (1, 4)


@dataclass(frozen=True, kw_only=True)
class FrameFaults:
    """Frames at the wrong time; the clip keeps its length, for whatever drops a frame repeats another later.

    duplicates: share of frames that show the one before in their place, 0.01-0.1.
    drops: mean dropped frames per frame, 0.01-0.1; the frames behind come early until, 2-25 later, one comes twice.
    freezes: mean times per frame that the picture stands for 5-50 frames.
    black: mean times per frame that it is black for 1-4 frames.
    """

    duplicates: float = ranged(0.0, 0, 0.1)
    drops: float = ranged(0.0, 0, 0.1)
    freezes: float = ranged(0.0, 0, 0.05)
    black: float = ranged(0.0, 0, 0.05)


def frame_map(seed: int, first: int, count: int, faults: FrameFaults) -> NDArray[np.int64]:
    """Return which frame each of the frames first .. first + count - 1 shows, shape (count,); BLACK for none.

    A map knows no ends of a clip: what lies beyond them is for the caller to hold in, as `shown` does.
    """
    return np.array([_number_of(seed, first + i, faults) for i in range(count)], dtype=np.int64)


def shown(frames: Array, first: int, numbers: NDArray[np.int64]) -> Array:
    """Return the frames of (T, H, W, 3) that a map names, black ones among them.

    Args:
        first: frame number of frames[0]. Numbers beyond the frames given show the nearest of them.
    """
    chosen = frames[np.clip(numbers - first, 0, len(frames) - 1)]
    chosen[numbers == BLACK] = 0
    return chosen


def _number_of(seed: int, frame: int, faults: FrameFaults) -> int:
    if faults.black > 0 and events(seed, "black frames", frame, faults.black, _BLACK):
        return BLACK
    if faults.freezes > 0:
        frozen = events(seed, "freeze", frame, faults.freezes, _FREEZE)
        frame = min((event.start for event in frozen), default=frame)
    if faults.drops > 0:
        # The leads of two drops may end at once; the picture never runs backwards.
        frame = max(n + len(events(seed, "dropped frame", n, faults.drops, _DROP)) for n in range(frame - 3, frame + 1))
    if faults.duplicates > 0 and generator(seed, "duplicate", frame).random() < faults.duplicates:
        frame -= 1
    return max(frame, 0)
