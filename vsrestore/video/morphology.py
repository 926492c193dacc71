"""Gray morphology: the least and the greatest of what lies around every pixel, by doubling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Pick = Callable[[np.ndarray, np.ndarray], np.ndarray]


def eroded(picture: np.ndarray, radius: int) -> np.ndarray:
    """Return the least of the square around every pixel of a picture (H, W), the border repeated."""
    return _picked(picture, radius, radius, np.minimum)


def dilated(picture: np.ndarray, radius: int, across: int | None = None) -> np.ndarray:
    """Return the greatest of the square around every pixel of a picture (H, W), the border repeated.

    Args:
        picture: numbers, or bool.
        radius: pixels up and down, and to both sides unless ``across`` is given.
        across: pixels to both sides.

    """
    return _picked(picture, radius, radius if across is None else across, np.maximum)


def white_top_hat(picture: np.ndarray, radius: int) -> np.ndarray:
    """Return by how much a pixel is brighter than all around it that is wider than ``2 * radius`` pixels."""
    return picture - dilated(eroded(picture, radius), radius)


def black_top_hat(picture: np.ndarray, radius: int) -> np.ndarray:
    """Return by how much a pixel is darker than all around it that is wider than ``2 * radius`` pixels."""
    return eroded(dilated(picture, radius), radius) - picture


def _picked(picture: np.ndarray, down: int, across: int, pick: Pick) -> np.ndarray:
    around = np.pad(picture, ((down, down), (across, across)), mode="edge")
    return _of_rows(_of_rows(around, across, pick).T, down, pick).T


def _of_rows(picture: np.ndarray, radius: int, pick: Pick) -> np.ndarray:
    """Pick one of every ``2 * radius + 1`` pixels of a row: of 1, 2, 4, ... of them, and of two such that overlap."""
    size, run = 2 * radius + 1, 1
    while 2 * run <= size:
        picture = pick(picture[:, :-run], picture[:, run:])
        run *= 2
    rest = size - run
    return pick(picture[:, :-rest], picture[:, rest:]) if rest else picture
