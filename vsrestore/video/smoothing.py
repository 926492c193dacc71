"""What a value that is measured from frame to frame would be without its jitter."""

from __future__ import annotations

import numpy as np

# A slope or a curve counts where it is more than so many times its own uncertainty.
CERTAIN = 3.0
ORDER = 2
# Parts of the window that are tried, the widest first.
WINDOWS = (1.0, 0.5, 0.25, 0.125)
# What lies off the parabola, squared, over what jitter alone would: up to the first a window is good, from the second
# on the next narrower one is taken, between them some of both.
GOOD, BAD = 4.0, 8.0
# Errors of measurement, in the unit of the values, and the median of a squared normal deviate.
MEASURED, MEDIAN = 0.02, 0.455


def level(times: np.ndarray, values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the value at time 0 of a parabola through some values, each as near as its weight, and what lies off it.

    Jitter would tilt and bend it, most of all where times lie on one side: slope and curvature count the less, the less
    certain they are, down to none (Breiman's nonnegative garrote, 1995). What is certain is no jitter and is followed.

    Args:
        times: (K,) in frames.
        values: (K, ...).
        weights: (K,) not negative, with a sum above 0.

    Returns:
        The value, and the mean square of the deviations, 0 where there are too few values for a parabola.

    """
    counts = weights > 0
    times, weights = times[counts].astype(np.float64), weights[counts] / weights[counts].sum()
    flat, shape = values[counts].reshape(len(times), -1).astype(np.float64), values.shape[1:]
    freedom = 1 / np.square(weights).sum() - ORDER - 1
    if freedom <= 0 or len(np.unique(times)) <= ORDER:
        return (weights @ flat).reshape(shape), np.zeros(shape)
    root = np.sqrt(weights)[:, None]
    terms, powers = np.linalg.qr(root * times[:, None] ** np.arange(ORDER + 1))
    sizes = terms.T @ (root * flat)
    error = np.square(root * flat - terms @ sizes).sum(0) * (1 + (ORDER + 1) / freedom)
    uncertain = error * np.square(terms * root).sum(0)[:, None]
    share = np.maximum(1 - CERTAIN**2 * uncertain / np.maximum(np.square(sizes), 1e-30), 0)
    share[0] = 1
    at_zero = np.linalg.solve(powers.T, np.eye(ORDER + 1)[0])
    return (at_zero @ (share * sizes)).reshape(shape), error.reshape(shape)


def settled(times: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return what :func:`level` does for the widest window around time 0 in which a parabola is good enough.

    That is one off which values lie hardly further than their jitter from one to the next explains; so a camera that
    stands still is held by many frames, and one that turns is followed (after Lepski, 1991).

    Args:
        times: (K,) in frames, in order, 0 among them.
        values: (K, N).
        weights: (K,) not negative, above 0 at time 0.

    """
    jitter = np.full(values.shape[1], MEASURED**2)
    if len(values) > ORDER + 1:
        jitter += np.median(np.square(np.diff(values, 2, axis=0)), axis=0) / MEDIAN / 6
    reach, result, rest = np.abs(times).max(), np.zeros(values.shape[1]), 1.0
    for part in WINDOWS:
        value, error = level(times, values, weights * (np.abs(times) <= part * reach))
        ratio = float((error / jitter).max())
        share = 1.0 if part == WINDOWS[-1] else min(max((BAD - ratio) / (BAD - GOOD), 0.0), 1.0)
        result, rest = result + rest * share * value, rest * (1 - share)
    return result
