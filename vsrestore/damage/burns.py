"""Burns: film that stood still before a hot lamp."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, box_around
from .noise import Event, events, generator, smooth_field
from .ranges import ranged

_BURN = (10, 30)
_LIGHT = np.array([1.0, 0.98, 0.9], dtype=np.float32)
_SCORCHED = np.array([0.2, 0.09, 0.03], dtype=np.float32)
_GLOW = np.array([1.2, 0.7, 0.1], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Burns:
    """Holes that the lamp melts into the film: white with a brown rim, growing for 10-30 frames.

    rate: mean burns that start per frame, 0 = off. size: largest radius as a part of the frame's width.
    """

    rate: float = ranged(0.0, 0, 0.05)
    size: float = ranged(0.5, 0.1, 1)


def lay_burns(canvas: Canvas, seed: int, frame: int, burns: Burns) -> None:
    """Lay the burns that show in this frame."""
    for event in events(seed, "burn", frame, burns.rate, _BURN):
        _lay(canvas, seed, frame, event, burns)


def _lay(canvas: Canvas, seed: int, frame: int, event: Event, burns: Burns) -> None:
    """Lay one burn. Order of draws: place, size, then the waves of its outline, which stays the same as it grows."""
    view, rng = canvas.view, generator(seed, "burn place", event.number)
    y, x, size = rng.random(3).tolist()
    y, x = (0.2 + 0.6 * y) * view.frame_height, (0.2 + 0.6 * x) * view.frame_width
    age = (frame - event.start + 1) / event.length
    radius = burns.size * (0.5 + 0.5 * size) * view.frame_width * age**1.5
    reach = 2.2 * radius + 2
    box = box_around(view, (y - reach, y + reach), (x - reach, x + reach))
    if box is None:
        return
    ys, xs = box.ys - np.float32(y), box.xs - np.float32(x)
    ragged = 0.3 * smooth_field(rng, ys, xs, 180 * view.scale) + 0.1 * smooth_field(rng, ys, xs, 40 * view.scale, 10)
    distance = np.hypot((box.ys - y)[:, None], (box.xs - x)[None, :])
    # Where the film is burnt through this is above 1, and it falls to 0 where it is still whole.
    heat = 1 + (radius - distance) / (0.3 * radius + 2) + ragged * math.sqrt(age)
    canvas.multiply(box, np.clip(0.4 + 0.6 * heat, 0, 1).astype(np.float32) ** 2, _GLOW)
    canvas.blend(box, np.clip(2 * (heat - 0.3), 0, 1).astype(np.float32), _SCORCHED)
    canvas.blend(box, np.clip(3 * (heat - 1), 0, 1).astype(np.float32), _LIGHT)
