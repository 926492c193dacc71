"""Random numbers with random access: keyed generators, correlated noise, events in time, smooth fields.

Everything drawn here is a function of (seed, effect name, instance, index) alone, never of what was drawn before, so
frame t comes out the same whether it is asked alone or in a run. Bit-exactness holds per NumPy version.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

VERSION = 1
"""Part of every key: raise it when the draws of any effect change."""

_BLOCK = 256
_WORD = 1 << 64


@lru_cache(maxsize=4096)
def key(seed: int, effect: str, instance: int = 0) -> int:
    """Return the 128-bit generator key: the first half of SHA-256(version, seed, effect, instance)."""
    digest = hashlib.sha256(f"{VERSION}/{seed}/{effect}/{instance}".encode()).digest()
    return int.from_bytes(digest[:16], "little")


def generator(seed: int, effect: str, index: int = 0, purpose: int = 0, instance: int = 0) -> np.random.Generator:
    """Return the Philox generator of one (index, purpose): index is a frame, cell or event number (any integer)."""
    counter = ((index % _WORD) << 128) | ((purpose % _WORD) << 64)
    return np.random.Generator(np.random.Philox(key=key(seed, effect, instance), counter=counter))


@lru_cache(maxsize=512)
def _block(seed: int, effect: str, block: int, channels: int, instance: int) -> NDArray[np.float64]:
    """Return one block of white noise; kept, because neighbouring frames share it."""
    values = generator(seed, effect, block, instance=instance).standard_normal((_BLOCK, channels))
    values.flags.writeable = False
    return values


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number from low to high, evenly in the logarithm."""
    return float(low * (high / low) ** rng.random())


def white(seed: int, effect: str, start: int, count: int, channels: int = 1, instance: int = 0) -> NDArray[np.float64]:
    """Return unit white noise for the integers start .. start + count - 1, shape (count, channels).

    Drawn in blocks of 256, because one generator per value costs more than the values.
    """
    first, last = start // _BLOCK, (start + count - 1) // _BLOCK
    blocks = [_block(seed, effect, block, channels, instance) for block in range(first, last + 1)]
    offset = start - first * _BLOCK
    return np.concatenate(blocks)[offset : offset + count]


def ar1(
    seed: int, effect: str, start: int, count: int, rho: float, channels: int = 1, instance: int = 0
) -> NDArray[np.float32]:
    """Return an AR(1) process of unit variance at start .. start + count - 1, shape (count, channels).

    The recursion is replaced by its sum over the past, cut where the weights fall below 1e-4.

    Args:
        rho: correlation of neighbours, 0 <= rho < 1.
    """
    taps = math.ceil(math.log(1e-4) / math.log(rho)) if rho > 0 else 0
    weights = math.sqrt(1.0 - rho * rho) * np.power(rho, np.arange(taps, -1, -1.0)) if taps else np.ones(1)
    noise = white(seed, effect, start - taps, count + taps, channels, instance)
    past = np.lib.stride_tricks.sliding_window_view(noise, taps + 1, axis=0)
    return np.ascontiguousarray(past * weights).sum(axis=-1).astype(np.float32)


def smooth_line(
    seed: int, effect: str, positions: NDArray[np.float64], spacing: float, instance: int = 0
) -> NDArray[np.float32]:
    """Return smooth noise of about unit variance at positions (N,) along a line without ends, shape (N,).

    White noise stands at every multiple of `spacing`, with a cubic B-spline through it.
    """
    places = positions / spacing
    first = math.floor(float(places.min())) - 1
    knots = white(seed, effect, first, math.floor(float(places.max())) + 3 - first, 1, instance)[:, 0]
    at = np.floor(places).astype(np.int64)
    t = places - at
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * t * (1 + t - t**2) + 1, t**3)
    total = sum(weight * knots[at - first - 1 + i] for i, weight in enumerate(weights))
    return (np.asarray(total) * (1.44 / 6)).astype(np.float32)


@dataclass(frozen=True)
class Event:
    """Something that lasts from frame `start` for `length` frames; `number` is unlike that of any other event."""

    start: int
    length: int
    cell: int
    order: int

    @property
    def number(self) -> int:
        """One integer per event, for use as an instance."""
        return self.cell * 4096 + self.order


def mean_duration(shortest: int, longest: int) -> float:
    """Return the mean of a duration spread evenly in its logarithm over [shortest, longest]."""
    return (longest - shortest) / math.log(longest / shortest) if longest > shortest else float(longest)


@lru_cache(maxsize=512)
def _cell(seed: int, effect: str, cell: int, rate: float, durations: tuple[int, int]) -> tuple[Event, ...]:
    """Return the events that start in one cell; kept, because neighbouring frames share it."""
    shortest, longest = durations
    rng = generator(seed, effect, cell)
    number = int(rng.poisson(rate * longest))
    starts = rng.integers(0, longest, number) + cell * longest
    lengths = np.rint(shortest * (longest / shortest) ** rng.random(number)).astype(int)
    return tuple(
        Event(start, length, cell, order)
        for order, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True))
    )


def events(seed: int, effect: str, frame: int, rate: float, durations: tuple[int, int]) -> list[Event]:
    """Return the events that show in a frame.

    Time is cut into cells as long as the longest event; each cell draws its own events, so a frame only depends on
    its own cell and the one before.

    Args:
        rate: mean number of events that start per frame.
        durations: shortest and longest duration in frames; drawn evenly in the logarithm.
    """
    now = frame // durations[1]
    cells = (_cell(seed, effect, cell, rate, durations) for cell in (now - 1, now))
    return [event for cell in cells for event in cell if event.start <= frame < event.start + event.length]


def smooth_field(rng: np.random.Generator, ys: Array, xs: Array, wavelength: float, waves: int = 6) -> Array:
    """Return a smooth random field of about unit variance over the grid ys x xs, shape (len(ys), len(xs)).

    A sum of plane waves with random directions and phases; waves factor into row and column parts, which makes it two
    small matrix products.

    Args:
        wavelength: shortest wavelength in px; the longest is three times that.
    """
    angle = rng.random(waves) * 2 * np.pi
    number = 2 * np.pi / (wavelength * (1 + 2 * rng.random(waves)))
    phase = rng.random(waves) * 2 * np.pi
    along_y = np.outer(ys, number * np.sin(angle))
    along_x = np.outer(number * np.cos(angle), xs) + phase[:, None]
    field = np.cos(along_y) @ np.cos(along_x) - np.sin(along_y) @ np.sin(along_x)
    return (field * math.sqrt(2.0 / waves)).astype(np.float32)


def gaussian(sigma: float) -> Array:
    """Return the taps of a Gaussian of unit sum, out to 2.5 sigma; one tap of 1 for sigma 0."""
    reach = math.ceil(2.5 * sigma)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def filtered(field: Array, kernel: Array) -> Array:
    """Filter a field (H, W, C) with the kernel along rows and columns; each side loses len(kernel) - 1 in all."""
    height, width = field.shape[0] - len(kernel) + 1, field.shape[1] - len(kernel) + 1
    rows = kernel[0] * field[:height]
    for i in range(1, len(kernel)):
        rows += kernel[i] * field[i : i + height]
    result = kernel[0] * rows[:, :width]
    for i in range(1, len(kernel)):
        result += kernel[i] * rows[:, i : i + width]
    return result
