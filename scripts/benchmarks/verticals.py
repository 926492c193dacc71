"""Clean clips full of upright lines that are no scratches: fences, masts and wires, columns of text."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Frames = np.ndarray
"""(T, H, W, 3) float32 RGB in [0, 1]."""

_FINE = 3
_WIDTH, _HEIGHT = 480, 360
_SPEED = 2.3  # px per frame, of what pans
Pen = ImageDraw.ImageDraw


def clips(count: int) -> dict[str, Frames]:
    """Return the clips by name, of ``count`` frames each: with the camera still, and panning."""
    result = {}
    for name, draw in _SCENES.items():
        sheet = _sheet(draw, _WIDTH + round(_SPEED * count) + 8)
        result[f"{name}, still"] = np.stack([_seen(sheet, 0.0)] * count)
        result[f"{name}, panning"] = np.stack([_seen(sheet, _SPEED * n) for n in range(count)])
    return result


def _sheet(draw: Callable[[Pen, int, int, np.random.Generator], None], width: int) -> Image.Image:
    """Return a scene before a sky, `_FINE` times as large as it is shown."""
    rng = np.random.default_rng(5)
    size = (width * _FINE, _HEIGHT * _FINE)
    sky = np.linspace(200, 120, size[1])[:, None, None] + rng.normal(0, 3, (size[1], 1, 3))
    paper = Image.fromarray(np.broadcast_to(sky, (size[1], size[0], 3)).round().astype(np.uint8))
    draw(ImageDraw.Draw(paper), *size, rng)
    return paper


def _seen(sheet: Image.Image, left: float) -> Frames:
    box = (left * _FINE, 0, (left + _WIDTH) * _FINE, _HEIGHT * _FINE)
    frame = sheet.resize((_WIDTH, _HEIGHT), Image.Resampling.BOX, box=box)
    return np.asarray(frame, dtype=np.float32) / np.float32(255)


def _fence(pen: Pen, width: int, height: int, rng: np.random.Generator) -> None:
    pen.rectangle((0, height * 0.6, width, height), fill=(70, 95, 50))
    for x in range(0, width, 14 * _FINE):
        thick, level = int(rng.integers(1, 6)) * _FINE // 2 + 1, int(rng.integers(20, 250))
        pen.rectangle((x, height * 0.2, x + thick, height * 0.85), fill=(level, level, level - 10))
    pen.rectangle((0, height * 0.3, width, height * 0.31), fill=(60, 50, 40))


def _masts(pen: Pen, width: int, height: int, rng: np.random.Generator) -> None:
    for _ in range(width // (20 * _FINE)):
        x, lean, dark = int(rng.integers(0, width)), float(rng.normal(0, 20)), rng.random() < 0.6
        top, thick = int(rng.integers(0, height // 3)), int(rng.integers(2, 5 * _FINE))
        pen.line((x, top, x + lean, height), fill=(25, 25, 30) if dark else (245, 245, 240), width=thick)


def _text(pen: Pen, width: int, height: int, rng: np.random.Generator) -> None:
    font = ImageFont.load_default(14 * _FINE)
    for x in range(0, width, 50 * _FINE):
        for y in range(0, height, 18 * _FINE):
            word = "".join("ILTHFilt1|"[letter] for letter in rng.integers(0, 10, 4))
            pen.text((x, y), word, fill=(20, 20, 60), font=font)


_SCENES: MappingProxyType[str, Callable[[Pen, int, int, np.random.Generator], None]] = MappingProxyType(
    {"fence": _fence, "masts": _masts, "text": _text}
)
