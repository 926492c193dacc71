"""Down-scaling, as a source of low resolution has gone through it, and enlarging back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .noise import Array
from .ranges import ranged

Kernel = Literal["area", "bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Down-scaling by a factor, and enlarging to the old size when wanted.

    factor: 1 = off; 2-4. kernel: of the down-scaling. antialias: widen the kernel by the factor, as one should;
        without it fine detail turns into false patterns. enlarge: bicubic enlarging at the end of the chain.
    """

    factor: float = ranged(1.0, 1, 4)
    kernel: Kernel = "bicubic"
    antialias: bool = True
    enlarge: bool = True


def _area(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(x) <= 0.5, 1.0, 0.0)


def _bilinear(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(1 - np.abs(x), 0)


def _bicubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel with a = -0.5."""
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _lanczos(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


_KERNELS: MappingProxyType[str, tuple[Callable[[NDArray[np.float64]], NDArray[np.float64]], float]] = MappingProxyType(
    {"area": (_area, 0.5), "bilinear": (_bilinear, 1.0), "bicubic": (_bicubic, 2.0), "lanczos": (_lanczos, 3.0)}
)
"""Each kernel with its half width at the scale 1."""


def resized(frames: Array, height: int, width: int, kernel: Kernel = "bicubic", antialias: bool = True) -> Array:
    """Return frames (T, H, W, 3) in another size; centres aligned, borders renormalised, not clipped."""
    frames = _along(frames, _weights(frames.shape[1], height, kernel, antialias), 1)
    return _along(frames, _weights(frames.shape[2], width, kernel, antialias), 2)


def reduced_size(size: int, factor: float) -> int:
    """Return the length of a side after down-scaling: an even number, as codecs with half the chroma want."""
    return max(2, 2 * round(size / factor / 2))


def _weights(source: int, target: int, kernel: Kernel, antialias: bool) -> tuple[NDArray[np.int64], Array]:
    """Return for every target sample the source samples it is made of and their weights, both (target, taps)."""
    shape, half = _KERNELS[kernel]
    stretch = max(source / target, 1.0) if antialias else 1.0
    centres = (np.arange(target) + 0.5) * source / target - 0.5
    reach = int(np.ceil(half * stretch))
    places = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 2)[None, :]
    weights = shape((places - centres[:, None]) / stretch)
    weights[(places < 0) | (places >= source)] = 0
    return np.clip(places, 0, source - 1), (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _along(frames: Array, taps: tuple[NDArray[np.int64], Array], axis: int) -> Array:
    places, weights = taps
    shape = [1, 1, 1, 1]
    shape[axis] = len(places)
    result = weights[:, 0].reshape(shape) * frames.take(places[:, 0], axis=axis)
    for k in range(1, places.shape[1]):
        if weights[:, k].any():
            result += weights[:, k].reshape(shape) * frames.take(places[:, k], axis=axis)
    return np.asarray(result, dtype=np.float32)
