"""Blur of the camera: shaken by hand, out of focus. Light adds up, so both work in linear light (I^2.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .noise import Array, ar1, generator
from .ranges import ranged

_GAMMA = 2.2
_STEPS = 200


@dataclass(frozen=True, kw_only=True)
class MotionBlur:
    """Blur along the camera's path during the exposure (Boracchi & Foi 2012), another path for each frame.

    length: mean extent of the path in px, 0 = off. straight: share of frames with a straight path.
    """

    length: float = ranged(0.0, 0, 40)
    straight: float = ranged(0.3, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Defocus:
    """A disc for every point of light.

    radius: mean radius in px, 0 = off. breathing: standard deviation of the radius over time, as a part of it.
    """

    radius: float = ranged(0.0, 0, 8)
    breathing: float = ranged(0.1, 0, 0.5)


def motion_kernel(seed: int, frame: int, blur: MotionBlur, scale: float) -> Array:
    """Return the kernel (K, K) of a frame's shake, K odd, of unit sum; its centre is the path's mean place."""
    rng = generator(seed, "motion blur", frame)
    extent = blur.length * scale * (0.5 + rng.random())
    straight, angle = bool(rng.random() < blur.straight), 2 * np.pi * rng.random()
    path = np.linspace(-0.5, 0.5, _STEPS) * np.exp(1j * angle) if straight else _shaken(rng)
    path = (path - path.mean()) * extent / max(float(np.ptp(path.real)), float(np.ptp(path.imag)), 1e-9)
    reach = math.ceil(float(max(np.abs(path.real).max(), np.abs(path.imag).max()))) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    rows, columns = np.floor(path.imag).astype(int), np.floor(path.real).astype(int)
    down, right = path.imag - rows, path.real - columns
    for y, x, weight in (
        (0, 0, (1 - down) * (1 - right)),
        (0, 1, (1 - down) * right),
        (1, 0, down * (1 - right)),
        (1, 1, down * right),
    ):
        np.add.at(kernel, (rows + y + reach, columns + x + reach), weight)
    return (kernel / kernel.sum()).astype(np.float32)


def disc_kernel(seed: int, frame: int, defocus: Defocus, scale: float) -> Array:
    """Return the kernel (K, K) of a frame's defocus, K odd, of unit sum: a disc with a rim of one px."""
    breath = 1 + defocus.breathing * float(ar1(seed, "focus", frame, 1, 0.9)[0, 0])
    radius = max(defocus.radius * scale * breath, 0.0)
    reach = math.ceil(radius)
    places = np.arange(-reach, reach + 1)
    disc = np.clip(radius + 0.5 - np.hypot(places[:, None], places[None, :]), 0, 1)
    return (disc / disc.sum()).astype(np.float32)


def blurred(picture: Array, kernel: Array) -> Array:
    """Return a picture (H, W, 3) in [0, 1] blurred by a kernel (K, K) in linear light; edges repeated."""
    reach, (height, width) = len(kernel) // 2, picture.shape[:2]
    light = np.power(np.clip(picture, 0, 1), np.float32(_GAMMA))
    light = np.pad(light, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    result = np.zeros_like(picture)
    for y, x in np.argwhere(kernel > 0).tolist():
        # A convolution: the picture moves along the path, the kernel is not mirrored twice.
        top, left = 2 * reach - y, 2 * reach - x
        result += kernel[y, x] * light[top : top + height, left : left + width]
    return np.power(np.clip(result, 0, 1), np.float32(1 / _GAMMA))


def _shaken(rng: np.random.Generator) -> np.ndarray:
    """Return the camera's path in the complex plane: a velocity with memory, pulled back to where it began."""
    pushes = rng.standard_normal((_STEPS, 2)) @ np.array([1, 1j])
    path, place, velocity = np.empty(_STEPS, dtype=complex), 0j, 0j
    for step, push in enumerate(pushes):
        velocity = 0.7 * velocity + push - 0.005 * place
        place += velocity
        path[step] = place
    return path
