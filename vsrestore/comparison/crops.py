"""The places where two clips differ most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

CROP_WIDTH, CROP_HEIGHT = 256, 192


class Place(NamedTuple):
    """The upper left corner of a crop, and how much the pictures differ there."""

    top: int
    left: int
    difference: float


@dataclass(frozen=True)
class Crop:
    """A part of a frame in every clip: its number, where it lies, and the parts (H, W, 3) uint8 by clip."""

    frame: int
    place: Place
    pictures: Mapping[str, np.ndarray]


def crop_size(height: int, width: int) -> tuple[int, int]:
    """Return height and width of the crops: no larger than the frame."""
    return min(CROP_HEIGHT, height), min(CROP_WIDTH, width)


def worst_place(one: np.ndarray, other: np.ndarray) -> Place:
    """Return where, in a crop's size, two pictures (H, W, 3) uint8 differ most.

    The squares of the differences are averaged over half the crop's size twice, which weights the middle of the crop,
    so that what differs comes to lie there.
    """
    height, width = crop_size(*one.shape[:2])
    difference = one.astype(np.int32) - other
    error = np.einsum("hwc,hwc->hw", difference, difference) / one.shape[-1]
    for _ in range(2):
        error = _means(error, max(height // 2, 1), max(width // 2, 1))
    error = error[: one.shape[0] - height + 1, : one.shape[1] - width + 1]
    top, left = np.unravel_index(error.argmax(), error.shape)
    return Place(int(top), int(left), float(error[top, left]))


class WorstCrops:
    """Keeps the crop that differs most of each stretch of the clips; nothing else of the frames is kept.

    Args:
        frames: how many the clips have.
        count: into how many stretches they are parted.

    """

    def __init__(self, frames: int, count: int) -> None:
        self._frames, self._count = frames, min(count, frames)
        self._best: dict[int, Crop] = {}

    def see(self, frame: int, one: str, other: str, pictures: Mapping[str, np.ndarray]) -> None:
        """Look at a frame: where do the clips ``one`` and ``other`` of ``pictures`` differ most?"""
        place = worst_place(pictures[one], pictures[other])
        stretch = frame * self._count // self._frames
        known = self._best.get(stretch)
        if place.difference <= (known.place.difference if known else 0):
            return
        height, width = crop_size(*pictures[one].shape[:2])
        inside = np.s_[place.top : place.top + height, place.left : place.left + width]
        self._best[stretch] = Crop(frame, place, {name: each[inside].copy() for name, each in pictures.items()})

    def crops(self) -> list[Crop]:
        """Return the crops in order; a stretch in which the clips are equal has none."""
        return [self._best[stretch] for stretch in sorted(self._best)]


def _means(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the mean of every box of this size that lies within ``values``."""
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    boxes = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    return boxes / (height * width)
