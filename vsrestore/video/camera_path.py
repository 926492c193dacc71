"""How the whole picture moves, told from the motion of its blocks, whatever moves in front of the camera."""

from __future__ import annotations

import numpy as np

from .block_motion import Motions
from .smoothing import settled

ROUNDS = 2
# Of the width: frames between which the speed of the picture differs by as much per frame or more are not compared.
TURN = 1 / 480
# And this many times the usual jitter more, which steady speeds still hold some of.
UNSURE = 6.0


def picture_motion(motions: Motions, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how far the picture moved into frame ``place`` of some, and its steady speed around it.

    Every block has a speed of its own that changes slowly, or at once as something comes in front of it: the median
    over the frames. What the blocks of a frame have in common beside it is jitter. So a bus that fills the picture
    takes no part, unless it moves by fits and starts.

    Args:
        motions: of K frames in a row, (K, B, 2) each.
        place: of the frame, from 0 to K - 1.

    Returns:
        (2,) each, pixels (right, down) a frame.

    """
    shifts, weights = motions
    speeds = _median(shifts, weights, 0)
    for _ in range(ROUNDS):
        jitter = _median(shifts - speeds[None], weights, 1)
        speeds = _median(shifts - jitter[:, None], weights, 0)
    steady = _median(speeds[None], weights.sum(0)[None], 1)[0]
    return jitter[place] + steady, steady


def correction(motions: np.ndarray, speeds: np.ndarray, times: np.ndarray, place: int, turn: float) -> np.ndarray:
    """Return by how much a picture is to be moved to where it would be without jitter, (2,) pixels (right, down).

    Args:
        motions: (K, 2), into each of some frames in a row of one shot; into the first, anything.
        speeds: (K, 2), see :func:`picture_motion`.
        times: (K,), in frames.
        place: of the frame, from 0 to K - 1.
        turn: pixels a frame: frames from where on the speed differs by more belong to another movement of the camera.

    """
    path = np.cumsum(motions, axis=0, dtype=np.float64)
    turn = turn + UNSURE * np.median(np.abs(motions - speeds), axis=0)
    same = np.square(np.maximum(1 - np.square((np.abs(speeds - speeds[place]) / turn).max(1)), 0))
    same[place:] = np.minimum.accumulate(same[place:])
    same[place::-1] = np.minimum.accumulate(same[place::-1])
    return settled(times - times[place], path - path[place], same)


def _median(values: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
    """Return the weighted median along an axis, 0 where there are no weights."""
    order = values.argsort(axis)
    summed = np.take_along_axis(weights, order, axis).cumsum(axis)
    total = np.take(summed, [-1], axis) if values.shape[axis] else summed
    middle = (summed < total / 2).sum(axis, keepdims=True)
    ranked = np.take_along_axis(order, np.minimum(middle, values.shape[axis] - 1), axis)
    return np.where(total > 0, np.take_along_axis(values, ranked, axis), 0).squeeze(axis)
