"""Where on the film frame the given pixels lie, and laying marks on them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .noise import Array, generator


@dataclass(frozen=True)
class View:
    """The part of a film frame that the given pixels show; positions of marks are in frame coordinates.

    Lengths stated in px hold for a frame of 720 px width and are multiplied by `scale`.
    """

    height: int
    width: int
    top: int
    left: int
    frame_height: int
    frame_width: int

    @property
    def scale(self) -> float:
        """Frame width / 720."""
        return self.frame_width / 720.0


def view_of(height: int, width: int, frame_width: int | None, seed: int) -> View:
    """Return the view of a whole frame, or of a piece cut out of a 4:3 frame of `frame_width` px.

    The place of the piece is drawn from the seed; pieces at the frame's borders are drawn more often than the rest,
    since hairs in the gate and cue marks live there.
    """
    if frame_width is None or frame_width <= width:
        return View(height, width, 0, 0, height, width)
    frame_height = max(height, round(frame_width * 0.75))
    place = np.clip(generator(seed, "view").random(2) * 1.5 - 0.25, 0.0, 1.0)
    top, left = round((frame_height - height) * place[0]), round((frame_width - width) * place[1])
    return View(height, width, top, left, frame_height, frame_width)


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels inside the view, with the frame coordinates of its rows and columns."""

    rows: slice
    columns: slice
    ys: Array
    xs: Array


def box_around(view: View, y: tuple[float, float], x: tuple[float, float]) -> Box | None:
    """Return the pixels of the view within frame rows y[0] .. y[1] and columns x[0] .. x[1]; None where none are."""
    top = max(math.floor(y[0]) - view.top, 0)
    bottom = min(math.ceil(y[1]) + 1 - view.top, view.height)
    left = max(math.floor(x[0]) - view.left, 0)
    right = min(math.ceil(x[1]) + 1 - view.left, view.width)
    if top >= bottom or left >= right:
        return None
    ys = np.arange(top + view.top, bottom + view.top, dtype=np.float32)
    xs = np.arange(left + view.left, right + view.left, dtype=np.float32)
    return Box(slice(top, bottom), slice(left, right), ys, xs)


@dataclass(frozen=True)
class Canvas:
    """One frame to lay marks on, changed in place: image (H, W, 3) and mask (H, W) of where marks were laid.

    On a `neutral` canvas (black-and-white film) the channels of a mark are averaged.
    """

    image: Array
    mask: Array
    view: View
    neutral: bool = False

    def blend(self, box: Box, alpha: Array, colour: Array) -> None:
        """Cover the box with a colour (3,), opacity alpha (h, w); a negative opacity drives it away from the colour."""
        area = self.image[box.rows, box.columns]
        area += alpha[..., None] * (self._balanced(colour) - area)
        self._note(box, np.abs(alpha))

    def multiply(self, box: Box, alpha: Array, gain: Array) -> None:
        """Multiply the box by 1 + alpha * gain, gain (3,) per channel: a mark one can see through."""
        self.image[box.rows, box.columns] *= 1 + alpha[..., None] * self._balanced(gain)
        self._note(box, alpha)

    def add(self, box: Box, delta: Array, weights: Array) -> None:
        """Add delta (h, w) times the weight of each channel (3,); a change of 0.1 counts as fully marked."""
        self.image[box.rows, box.columns] += delta[..., None] * self._balanced(weights)
        self._note(box, np.minimum(np.abs(delta) * 10, 1))

    def _balanced(self, channels: Array) -> Array:
        return np.full_like(channels, channels.mean()) if self.neutral else channels

    def _note(self, box: Box, alpha: Array) -> None:
        area = self.mask[box.rows, box.columns]
        np.maximum(area, alpha, out=area)
