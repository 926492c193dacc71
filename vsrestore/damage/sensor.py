"""Pixels and columns of a sensor that do not tell the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Array, generator
from .ranges import ranged

_GAMMA = 2.2


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """Noise as a sensor counts light, in linear light (I^2.2), and faults of the sensor.

    shot, read: a and b of the variance a * I + b, the noise of the light and of the amplifier, 0 = off; a 0.001-0.01,
        b 1e-5 to 1e-3. Both by a normal distribution.
    impulses: share of pixels that are black or white (salt and pepper), others in each frame, 0 = off; 1e-4 to 1e-2.
    columns: standard deviation of the brightness from column to column, the same in all frames; 0.002-0.01.
    """

    shot: float = ranged(0.0, 0, 0.01)
    read: float = ranged(0.0, 0, 0.001)
    impulses: float = ranged(0.0, 0, 0.01)
    columns: float = ranged(0.0, 0, 0.01)


def sensed(picture: Array, seed: int, frame: int, sensor: Sensor) -> Array:
    """Return a picture (H, W, 3) as the sensor gives it; the picture itself where nothing is wrong."""
    if sensor.shot > 0 or sensor.read > 0:
        light = np.power(np.clip(picture, 0, 1), np.float32(_GAMMA))
        counts = generator(seed, "shot noise", frame).standard_normal(picture.shape, dtype=np.float32)
        light = light + np.sqrt(np.float32(sensor.shot) * light + np.float32(sensor.read)) * counts
        picture = np.power(np.clip(light, 0, 1), np.float32(1 / _GAMMA))
    if sensor.columns > 0:
        pattern = generator(seed, "sensor columns").standard_normal((picture.shape[1], 1), dtype=np.float32)
        picture = picture + np.float32(sensor.columns) * pattern
    if sensor.impulses > 0:
        draw = generator(seed, "impulses", frame).random(picture.shape[:2], dtype=np.float32)[..., None]
        hit = np.float32(sensor.impulses)
        picture = np.where(draw < hit, np.where(draw < 0.5 * hit, 0, 1), picture).astype(np.float32)
    return picture
