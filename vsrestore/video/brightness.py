"""How the brightness of pictures differs: gain, offset and gamma, fitted so that what moves does not count.

A picture v becomes v * exp(G + E * ln v) + B: E the same everywhere, B too, G a surface of second order. That is how
van Roosmalen (1999) and others describe flicker, with the exposure of the film added.
"""

from __future__ import annotations

import numpy as np

ROWS, COLUMNS = 18, 24
"""Of the small pictures that are compared: grain and dirt average out in them."""
TERMS = 8
"""G: constant, across, down, both squared, product; B; E."""
# How large each term is expected to be, which decides where the picture itself does not tell them apart.
EXPECTED = np.array([0.15, 0.06, 0.06, 0.06, 0.06, 0.06, 0.02, 0.08], np.float32)
# Of the range: what pixels of small pictures differ by at least for reasons of their own, and where gamma ends.
LEAST_ERROR, DARK = 0.002, 0.02
# A pixel that differs by so many times the usual error counts nothing.
OUTLIER, ROUNDS = 4.0, 4


def _surface() -> np.ndarray:
    """Return the terms of G at every pixel, (TERMS - 2, ROWS * COLUMNS), each of mean square 1 or less."""
    v, u = np.meshgrid(_centred(ROWS), _centred(COLUMNS), indexing="ij")
    terms = [np.ones_like(u), u, v, u * u - 1 / 3, v * v - 1 / 3, u * v]
    return np.stack(terms).reshape(len(terms), -1).astype(np.float32)


def _centred(count: int) -> np.ndarray:
    return (2 * np.arange(count) + 1) / count - 1


SURFACE = _surface()


def differences(picture: np.ndarray, others: np.ndarray, local: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the terms that bring a picture to the brightness of each of some others.

    The fit treats both pictures alike (the gain is told by their mean), so that motion between them, which is an error
    in both, makes it neither too large nor too small; and it leaves out pixels that differ more than others do.

    Args:
        picture: (C, P) float32 in [0, 1], small, P = ROWS * COLUMNS.
        others: (K, C, P).
        local: whether G differs over the frame.

    Returns:
        (K, C, TERMS) float32, and (K,) how much pixels usually differ even then, of the range.

    """
    mean, difference = (picture + others) / 2, others - picture
    columns = np.empty((*mean.shape[:2], TERMS, mean.shape[2]), np.float32)
    columns[..., :-2, :] = mean[..., None, :] * SURFACE
    columns[..., -2, :] = 1
    columns[..., -1, :] = mean * np.log(np.maximum(mean, DARK))
    if not local:
        columns[..., 1:-2, :] = 0
    terms, weighted = np.zeros((*mean.shape[:2], TERMS), np.float32), np.empty_like(columns)
    for _ in range(ROUNDS):
        error = difference - (terms[..., None, :] @ columns)[..., 0, :]
        usual = np.maximum(1.48 * _median(np.abs(error)), LEAST_ERROR)
        weights = np.square(np.maximum(1 - np.square(error / (OUTLIER * usual)), 0)) / np.square(usual)
        np.multiply(columns, weights[..., None, :], out=weighted)
        normal = weighted @ columns.swapaxes(-1, -2) + np.diag(EXPECTED**-2)
        terms = np.linalg.solve(normal, weighted @ difference[..., None])[..., 0]
    return terms, usual.mean((1, 2))


def _median(values: np.ndarray) -> np.ndarray:
    """Return the median of the last axis, whose length is even; several times as fast as ``np.median``."""
    half = values.shape[-1] // 2
    halves = np.partition(values, half, axis=-1)
    return (halves[..., :half].max(-1, keepdims=True) + halves[..., half : half + 1]) / 2


def apart(picture: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Return by which part of the darker one's mean a picture (C, P) changes by terms (K, C, TERMS), (K,)."""
    mean = picture.mean()
    change = terms[..., 0] * picture.mean(-1) + terms[..., -2]
    change += terms[..., -1] * (picture * np.log(np.maximum(picture, DARK))).mean(-1)
    change = change.mean(-1)
    return np.abs(change) / np.maximum(np.minimum(mean, mean + change), DARK)
