"""What marks on film are made of: fractal noise, drawings, and laying both on in density."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Frames = NDArray[np.float32]
"""(T, H, W, 3) RGB in [0, 1], gamma-coded."""
Plane = NDArray[np.float32]
"""(H, W)."""

FINE = 4
"""How many times larger drawings are made than shown."""
GAMMA = 2.2


def cloud(rng: np.random.Generator, height: int, width: int, slope: float) -> Plane:
    """Return noise of zero mean and unit variance whose spectrum falls as frequency to the power of -slope."""
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    far = np.hypot(y, x)
    far[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) * far**-slope
    field = np.fft.irfft2(spectrum, s=(height, width))
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-9), dtype=np.float32)


def drawing(height: int, width: int, draw: Callable[[ImageDraw.ImageDraw], None], blur: float = 0.5) -> Plane:
    """Return what is drawn in white on a black sheet, in 0-1, after a blur of `blur` px."""
    sheet = Image.new("L", (width * FINE, height * FINE))
    draw(ImageDraw.Draw(sheet))
    small = np.asarray(sheet.resize((width, height), Image.Resampling.BOX), dtype=np.float32) / 255
    return np.asarray(ndimage.gaussian_filter(small, blur), dtype=np.float32)


def dark(frame: NDArray[np.float32], density: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a frame (H, W, 3) under something of this optical density, (H, W) or (H, W, 3), on the print."""
    return np.asarray(frame * 10.0 ** (-_channels(density) / GAMMA), dtype=np.float32)


def bright(frame: NDArray[np.float32], density: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a frame as it is printed from a negative that has something of this density on it."""
    return np.asarray(1 - (1 - frame) * 10.0 ** (-_channels(density) / GAMMA), dtype=np.float32)


def _channels(density: NDArray[np.float32]) -> NDArray[np.float32]:
    return density if density.ndim == 3 else density[..., None]
