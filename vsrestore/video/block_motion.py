"""How far the blocks of a picture have moved since the one before, to a fraction of a pixel.

Each block is found again by phase correlation (Kuglin and Hines, 1975) at half size, and its place made exact by
gradients (Lucas and Kanade, 1981).
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

BLOCK = 32
"""Pixels of a block's side, at half size where it is sought; at full size it is as wide, and the blocks touch."""
SMALLEST = 8
ROUNDS = 3
# A motion is never more certain than to so many pixels, and none if gradients lead so far from where it was found.
BEST, ASTRAY = 0.03, 2.0
# Errors that pictures hold at least, and what keeps plain blocks, of which nothing can be told, from a division by 0.
NOISE, FLAT = 1 / 1024, 1e-9


class Motions(NamedTuple):
    """Of each of B blocks, in pixels of the picture."""

    shifts: np.ndarray
    """(B, 2) float32: by how much its content lies further right and further down than before."""
    weights: np.ndarray
    """(B, 2) float32: 1 / the variance of both."""


def block_count(height: int, width: int) -> int:
    """Return into how many blocks a picture falls; 0 where it is too small."""
    return len(_corners(height // 2, width // 2))


def block_motions(before: np.ndarray, after: np.ndarray) -> Motions:
    """Measure by how much each block's content has moved between two pictures (H, W) float32 in [0, 1]."""
    small = [_halved(picture) for picture in (before, after)]
    corners = _corners(*small[0].shape)
    if not len(corners):
        return Motions(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))
    size = _side(*small[0].shape)
    rough = 2 * _correlated(*(_patches(picture, corners, size) for picture in small))
    return _refined(_smoothed(before), _smoothed(after), 2 * corners + size // 2, size, rough)


def _side(height: int, width: int) -> int:
    return min(BLOCK, height // 2 * 2, width // 2 * 2)


@cache
def _corners(height: int, width: int) -> np.ndarray:
    """Return the top and left of blocks that overlap by half, spread over a picture, (B, 2)."""
    size = _side(height, width)
    if size < SMALLEST:
        return np.zeros((0, 2), np.intp)
    places = [np.linspace(0, side - size, 1 + -(-(side - size) * 2 // size)).round() for side in (height, width)]
    return np.stack(np.meshgrid(*places, indexing="ij"), -1).reshape(-1, 2).astype(np.intp)


def _halved(picture: np.ndarray) -> np.ndarray:
    even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _smoothed(picture: np.ndarray) -> np.ndarray:
    """Return a picture blurred by 1 2 1 each way, so that it is nearly straight between its pixels."""
    padded = np.pad(picture, 1, mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16


def _patches(picture: np.ndarray, corners: np.ndarray, size: int) -> np.ndarray:
    """Return squares (B, size, size) of a picture; beyond its edges they are repeated."""
    inside = np.arange(size)
    rows = np.clip(corners[:, :1] + inside, 0, picture.shape[0] - 1)
    columns = np.clip(corners[:, 1:] + inside, 0, picture.shape[1] - 1)
    return picture[rows[:, :, None], columns[:, None, :]]


def _correlated(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return by how many whole pixels (down, right) each of some squares (B, S, S) has moved, (B, 2)."""
    size = before.shape[1]
    window = np.hanning(size + 2)[1:-1].astype(np.float32)
    spectra = [
        np.fft.rfft2((patches - patches.mean((1, 2), keepdims=True)) * window[:, None] * window)
        for patches in (before, after)
    ]
    cross = spectra[1] * spectra[0].conj()
    cross /= np.sqrt(np.abs(cross)) + np.float32(1e-6)
    peaks = np.fft.irfft2(cross, s=(size, size)).reshape(len(before), -1).argmax(1)
    moved = np.stack(np.divmod(peaks, size), 1)
    return (moved + size // 2) % size - size // 2


def _refined(before: np.ndarray, after: np.ndarray, corners: np.ndarray, size: int, rough: np.ndarray) -> Motions:
    reference = _patches(before, corners - 1, size + 2)
    shifts, matched = rough.astype(np.float32), rough
    for _ in range(ROUNDS):
        moved = _displaced(after, corners - 1, size + 2, shifts)
        step, weights = _step(reference, moved)
        shifts = shifts + step
    weights *= (np.abs(shifts - matched) < ASTRAY).all(1, keepdims=True)
    return Motions(shifts[:, ::-1].astype(np.float32), weights[:, ::-1].astype(np.float32))


def _displaced(picture: np.ndarray, corners: np.ndarray, size: int, shifts: np.ndarray) -> np.ndarray:
    """Return squares of a picture at fractions of pixels, straight between them."""
    whole = np.floor(shifts).astype(np.intp)
    down, right = (shifts - whole).astype(np.float32).T[:, :, None, None]
    square = _patches(picture, corners + whole, size + 1)
    rows = square[:, :-1] + down * (square[:, 1:] - square[:, :-1])
    return rows[:, :, :-1] + right * (rows[:, :, 1:] - rows[:, :, :-1])


def _step(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much further (down, right) squares with a margin of 1 have moved, and 1 / its variance, (B, 2)."""
    mean = (before + after) / 2
    down = (mean[:, 2:, 1:-1] - mean[:, :-2, 1:-1]) / 2
    right = (mean[:, 1:-1, 2:] - mean[:, 1:-1, :-2]) / 2
    change = (after - before)[:, 1:-1, 1:-1]
    change = change - change.mean((1, 2), keepdims=True)
    normal = np.stack([(a * b).sum((1, 2)) for a in (down, right) for b in (down, right)], 1).reshape(-1, 2, 2)
    inverse = np.linalg.inv(normal + np.eye(2) * FLAT)
    step = -(inverse @ np.stack([(down * change).sum((1, 2)), (right * change).sum((1, 2))], 1)[..., None])[..., 0]
    error = change + step[:, :1, None] * down + step[:, 1:, None] * right
    variance = (np.square(error).mean((1, 2))[:, None] + NOISE**2) * np.diagonal(inverse, axis1=1, axis2=2)
    return np.clip(step, -1, 1), 1 / (variance + BEST**2)
