"""Film by other hands: scratches, cue marks, stains, dirt, and all of them together."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import MappingProxyType

import numpy as np
from PIL import ImageDraw
from scipy import ndimage

from .ink import FINE, Frames, Plane, bright, cloud, dark, drawing

Damage = Callable[[Frames, np.random.Generator], Frames]


def scratched(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) under two to six lines of 1-4 px, which wind by a few px and are broken in places.

    Each line is a random walk along the film, which shivers from frame to frame; gaps are drawn as a renewal process.
    """
    result = frames.copy()
    for _ in range(int(rng.integers(2, 7))):
        _line(result, rng)
    return np.clip(result, 0, 1)


def _line(frames: Frames, rng: np.random.Generator) -> None:
    count, height, width = frames.shape[:3]
    length = 40 + 24 * count
    walk = np.cumsum(rng.normal(0, rng.uniform(0.05, 0.5), length + 200))
    walk = np.asarray(ndimage.gaussian_filter1d(walk, rng.uniform(1, 6)))
    walk -= ndimage.uniform_filter1d(walk, 150)
    x, lean = rng.uniform(0.03, 0.97) * width, rng.normal(0, 0.012)
    thick, shiver = rng.uniform(1, 4), rng.uniform(0.1, 1.5)
    change, darker = rng.uniform(0.2, 0.6), rng.random() < 0.5
    layers = np.ones(3, dtype=np.float32)
    if rng.random() < 0.25:
        layers[rng.integers(3)] = rng.uniform(0, 0.3)
    shown = _gaps(rng, length * height // 24, rng.random() < 0.6)
    first, last = (0, count) if rng.random() < 0.6 else sorted(rng.integers(0, count + 1, 2).tolist())
    for n in range(first, last):
        place = x + rng.normal(0, shiver)
        knots = np.linspace(0, height, 24)
        path = place + lean * (knots - height / 2) + walk[n * 24 : n * 24 + 24]
        cover = drawing(height, width, partial(_polyline, path, knots, thick), rng.uniform(0.3, 0.8))
        cover *= shown[n * height : (n + 1) * height, None] * rng.uniform(0.7, 1)
        density = (-2.2 * math.log10(1 - 0.95 * change) * cover)[..., None] * layers
        frames[n] = (dark if darker else bright)(frames[n], np.asarray(density, dtype=np.float32))


def _polyline(x: np.ndarray, y: np.ndarray, thick: float, pen: ImageDraw.ImageDraw) -> None:
    points = [(FINE * a, FINE * b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    pen.line(points, fill=255, width=max(round(FINE * thick), 1), joint="curve")


def _gaps(rng: np.random.Generator, length: int, broken: bool) -> Plane:
    """Return where along the film a line shows, (length,) in 0-1: runs and gaps of exponential lengths."""
    shown = np.ones(length, dtype=np.float32)
    if broken:
        run, gap = rng.uniform(40, 300), rng.uniform(5, 120)
        at = 0.0
        while at < length:
            start = at + rng.exponential(run)
            at = start + rng.exponential(gap)
            shown[int(start) : int(at)] = 0
    return np.asarray(ndimage.gaussian_filter1d(shown, 2), dtype=np.float32)


def marked(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) with two change-over marks of four frames each, in a corner, of many looks."""
    count, height, width = frames.shape[:3]
    result = frames.copy()
    for _ in range(2):
        start = int(rng.integers(0, max(count - 3, 1)))
        corner = (rng.uniform(0.04, 0.16), rng.uniform(0.84, 0.97))
        corner = corner if rng.random() < 0.8 else (1 - corner[0], corner[1] if rng.random() < 0.5 else 1 - corner[1])
        size, look = rng.uniform(0.012, 0.04) * height, int(rng.integers(5))
        stretch, density = rng.uniform(0.7, 1.7), rng.uniform(0.5, 2)
        lay = dark if rng.random() < 0.45 else bright
        for n in range(start, min(start + int(rng.choice([3, 4, 4, 4, 5])), count)):
            y, x = corner[0] * height + rng.normal(0, 0.7), corner[1] * width + rng.normal(0, 0.7)
            stroke = partial(_mark, y, x, size, stretch, look, rng.normal(0, 0.12, 24))
            result[n] = lay(result[n], np.float32(density) * drawing(height, width, stroke, 0.7))
    return np.clip(result, 0, 1)


def _mark(
    y: float, x: float, size: float, stretch: float, look: int, rough: np.ndarray, pen: ImageDraw.ImageDraw
) -> None:
    """Draw a mark: a disc, a ring, a rough disc, two strokes crossed, or a disc with a hole."""
    y, x, tall, wide = FINE * y, FINE * x, FINE * size, FINE * size * stretch
    frame = (x - wide, y - tall, x + wide, y + tall)
    if look in (0, 4):
        pen.ellipse(frame, fill=255)
        if look == 4:
            pen.ellipse((x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2), fill=0)
    elif look == 1:
        pen.ellipse(frame, outline=255, width=max(round(tall / 4), FINE))
    elif look == 2:
        turns = np.arange(len(rough)) * 2 * math.pi / len(rough)
        bulge = zip(turns.tolist(), (1 + rough).tolist(), strict=True)
        pen.polygon([(x + wide * r * math.cos(t), y + tall * r * math.sin(t)) for t, r in bulge], fill=255)
    else:
        for side in (-1, 1):
            pen.line(
                (x - wide, y - side * tall * (1 + rough[0]), x + wide, y + side * tall * (1 + rough[1])),
                fill=255,
                width=max(round(tall / 3), FINE),
            )


def stained(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) behind stains: soft contours of fractal noise, strongest at their rims, some still."""
    count, height, width = frames.shape[:3]
    result = frames.copy()
    fall = 0 if rng.random() < 0.5 else round(rng.uniform(1 / 3, 1 / 3 + 2 / count) * height)
    strip = cloud(rng, height + fall * (count - 1), width, rng.uniform(1.4, 2.2))
    cover = _pool(strip, rng, height)
    density, lay = rng.uniform(0.06, 0.35), dark if rng.random() < 0.5 else bright
    tint = np.clip(rng.normal(1, 0.12, 3), 0.5, 1.5).astype(np.float32)
    for n in range(count):
        top = n * fall
        here = cover[top : top + height] * np.float32(1 + 0.08 * rng.standard_normal())
        result[n] = lay(result[n], (np.float32(density) * here)[..., None] * tint)
    return np.clip(result, 0, 1)


def _pool(field: Plane, rng: np.random.Generator, height: int) -> Plane:
    """Return the cover in about 0-1 of the places where a field is highest: soft, with a tide line."""
    share = rng.uniform(0.08, 0.3)
    inside = field > np.quantile(field, 1 - share)
    body = np.asarray(ndimage.gaussian_filter(inside.astype(np.float32), rng.uniform(0.004, 0.03) * height))
    rim = np.asarray(ndimage.gaussian_gradient_magnitude(inside.astype(np.float32), rng.uniform(1.5, 4)))
    rim /= max(float(rim.max()), 1e-6)
    return np.asarray(body * rng.uniform(0.4, 1) + rng.uniform(0, 0.7) * rim, dtype=np.float32)


def dirty(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) with dirt of one frame each: islands of filtered noise of three sizes, and fibres."""
    result, (height, width) = frames.copy(), frames.shape[1:3]
    for n in range(len(frames)):
        for lay, share in ((dark, 0.6), (bright, 0.4)):
            cover = _islands(rng, height, width, share) + _fibres(rng, height, width)
            result[n] = lay(result[n], np.float32(rng.uniform(0.7, 1.6)) * np.minimum(cover, 1))
    return np.clip(result, 0, 1)


def _islands(rng: np.random.Generator, height: int, width: int, share: float) -> Plane:
    cover = np.zeros((height, width), dtype=np.float32)
    for grain, rarity in ((0.8, 3.9), (1.8, 3.6), (4.5, 3.4)):
        field = np.asarray(ndimage.gaussian_filter(rng.standard_normal((height, width)), grain * height / 480))
        field /= field.std()
        cover = np.maximum(cover, np.clip(2.5 * (field - rarity + 0.3 * math.log(share + 0.5)), 0, 1))
    return np.asarray(ndimage.gaussian_filter(np.minimum(2 * cover, 1), 0.5), dtype=np.float32)


def _fibres(rng: np.random.Generator, height: int, width: int) -> Plane:
    paths = []
    for _ in range(int(rng.poisson(0.7))):
        ends = rng.uniform(0, 1, (1, 2)) * (width, height) + np.vstack([(0, 0), rng.normal(0, height / 12, (3, 2))])
        t = np.linspace(0, 1, 40)[:, None]
        curve = (1 - t) ** 3 * ends[0] + 3 * t * (1 - t) ** 2 * ends[1] + 3 * t * t * (1 - t) * ends[2] + t**3 * ends[3]
        paths.append((curve, rng.uniform(0.8, 1.8)))

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for curve, thick in paths:
            _polyline(curve[:, 0], curve[:, 1], thick, pen)

    return drawing(height, width, draw) if paths else np.zeros((height, width), dtype=np.float32)


def all_together(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames (T, H, W, 3) with stains, scratches, dirt and marks, in this order."""
    for lay in (stained, scratched, dirty, marked):
        frames = lay(frames, rng)
    return frames


KINDS: MappingProxyType[str, Damage] = MappingProxyType(
    {"dirt": dirty, "scratches": scratched, "cue marks": marked, "stains": stained, "all together": all_together}
)
"""Damage by kind; each takes frames (T, H, W, 3) in [0, 1] and a generator that it draws from."""
