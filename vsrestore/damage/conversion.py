"""Wrong conversions of colour: the matrix or the range of another standard, rounding once too often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .noise import Array
from .ranges import ranged

Matrix = Literal["right", "601 as 709", "709 as 601"]
Range = Literal["right", "full as limited", "limited as full"]

# Weights of R and B in the luma of each standard.
_WEIGHTS = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """Y'CbCr that is read as something else than what was written.

    matrix: of which standard it was, and as which it was read; "601 as 709" makes greens yellow and reds dull.
    levels: "full as limited" clips shadows and lights, "limited as full" washes them out.
    siting: px by which the chroma lies to the right of its luma, as when a decoder takes its samples to lie elsewhere
        than the encoder did; a quarter to a half.
    roundings: times the picture went through 8 bits of limited range and back to 8 bits of full range.
    """

    matrix: Matrix = "right"
    levels: Range = "right"
    siting: float = ranged(0.0, -0.5, 0.5)
    roundings: int = ranged(0, 0, 4)


def converted(picture: Array, conversion: Conversion) -> Array:
    """Return a picture (H, W, 3) in [0, 1] after the conversions; the picture itself where all are right."""
    if conversion.matrix != "right":
        written, _, read = conversion.matrix.partition(" as ")
        mixed = np.linalg.inv(_matrix(read)) @ _matrix(written)
        picture = np.clip(picture @ mixed.T.astype(np.float32), 0, 1)
    if conversion.siting:
        picture = _resited(picture, conversion.siting)
    if conversion.levels == "full as limited":
        picture = np.clip((255 * picture - 16) / np.float32(219), 0, 1)
    elif conversion.levels == "limited as full":
        picture = (219 * picture + 16) / np.float32(255)
    for _ in range(conversion.roundings):
        picture = _rounded(picture)
    return np.asarray(picture, dtype=np.float32)


def _matrix(standard: str) -> np.ndarray:
    """Return the matrix from R, G, B in [0, 1] to Y in [0, 1], Cb and Cr in [-0.5, 0.5]."""
    red, blue = _WEIGHTS[standard]
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack([luma, (np.array([0, 0, 1]) - luma) / (2 - 2 * blue), (np.array([1, 0, 0]) - luma) / (2 - 2 * red)])


def _resited(picture: Array, right: float) -> Array:
    """Return a picture (H, W, 3) with its chroma moved by part of a px to the right, by linear interpolation."""
    matrix = _matrix("601").astype(np.float32)
    coded = picture @ matrix.T
    padded = np.pad(coded, ((0, 0), (1, 1), (0, 0)), mode="edge")
    beside = padded[:, :-2] if right > 0 else padded[:, 2:]
    coded[..., 1:] += np.float32(abs(right)) * (beside - coded)[..., 1:]
    return np.clip(coded @ np.linalg.inv(matrix).T, 0, 1).astype(np.float32)


def _rounded(picture: Array) -> Array:
    """Return a picture in [0, 1] after 8-bit Y'CbCr of BT.601 in limited range and 8-bit RGB; halves round up."""
    matrix, scale, offset = _matrix("601"), np.array([219, 224, 224]), np.array([16, 128, 128])
    coded = np.floor(picture @ matrix.T * scale + offset + 0.5)
    back = (coded - offset) / scale @ np.linalg.inv(matrix).T
    return (np.floor(np.clip(back, 0, 1) * 255 + 0.5) / 255).astype(np.float32)
