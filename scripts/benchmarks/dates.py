"""Dates drawn into frames as a camera burns them in: a truth for what finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONTS = ("DejaVuSansMono-Bold.ttf", "DejaVuSans.ttf", "")
"""Names as the system knows them; the last is the one that comes with Pillow, and stands in for those not there."""
COLOURS = {"white": (235, 235, 235), "yellow": (240, 220, 60), "orange": (250, 140, 40)}
EDGES = ("none", "edge", "shadow")
CORNERS = ("top left", "top right", "bottom left", "bottom right")
SIZES = (14, 18, 22)
"""Lines of writing that would fill the height of the frame."""
MARGIN = 1 / 16
"""Of each side of the frame, from there to the date."""
DARK = (12, 12, 12)
HALF = 128
SAMPLE = "26.09.1994 14:38:57"


@dataclass(frozen=True)
class Date:
    """How a date is written."""

    font: str
    colour: str
    edge: str
    corner: str
    size: int
    ticks: bool
    """Whether there is a clock beside it, of which the last figure changes once a second."""

    @classmethod
    def drawn_by_lot(cls, seed: tuple[int, ...]) -> Date:
        """Return a date that a seed decides."""
        lot = np.random.default_rng(seed)

        def one_of[Choice](choices: Sequence[Choice]) -> Choice:
            return choices[int(lot.integers(len(choices)))]

        written = one_of(FONTS), one_of(tuple(COLOURS)), one_of(EDGES), one_of(CORNERS), one_of(SIZES)
        return cls(*written, ticks=bool(lot.integers(2)))

    def __str__(self) -> str:
        """Return it in words."""
        clock = ", clock" if self.ticks else ""
        return f"{self.colour}, {self.edge}, {self.corner}, 1/{self.size}, {self.font or 'Pillow'}{clock}"

    def text(self, seconds: int) -> str:
        """Return what it says after so many seconds."""
        return f"26.09.1994 14:38:{seconds % 60:02}" if self.ticks else "26.09.1994"


def with_date(frames: np.ndarray, date: Date, fps: int) -> tuple[np.ndarray, np.ndarray]:
    """Write a date into frames.

    Args:
        frames: (T, H, W, 3) uint8.
        date: how.
        fps: frames for which a second of its clock lasts.

    Returns:
        The frames, and where the date is in each, its edge too: (T, H, W) bool.

    """
    written, masks = frames.copy(), []
    for n, frame in enumerate(written):
        strokes, edge = (np.asarray(layer) for layer in _layers(frame.shape, date, n // fps))
        for layer, colour in ((edge, DARK), (strokes, COLOURS[date.colour])):
            part = layer[..., None] / 255
            frame[:] = np.rint(frame * (1 - part) + part * np.array(colour)).astype(np.uint8)
        masks.append(np.maximum(strokes, edge) >= HALF)
    return written, np.stack(masks)


def _layers(shape: tuple[int, ...], date: Date, seconds: int) -> tuple[Image.Image, Image.Image]:
    """Return how far strokes and what lies dark around them cover each pixel, 0 to 255."""
    height, width = shape[:2]
    font = _font(date.font, height / date.size)
    thick = max(round(height / date.size / 14), 1)
    across, down = font.getbbox(date.text(seconds) if not date.ticks else SAMPLE)[2:]
    left = round(width * MARGIN) if "left" in date.corner else round(width * (1 - MARGIN) - across)
    top = round(height * MARGIN) if "top" in date.corner else round(height * (1 - MARGIN) - down)
    layers = Image.new("L", (width, height)), Image.new("L", (width, height))
    pens = [ImageDraw.Draw(layer) for layer in layers]
    pens[0].text((left, top), date.text(seconds), 255, font)
    if date.edge == "edge":
        pens[1].text((left, top), date.text(seconds), 255, font, stroke_width=thick)
    elif date.edge == "shadow":
        pens[1].text((left + thick, top + thick), date.text(seconds), 255, font)
    return layers


def _font(name: str, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.truetype(name, size) if name else ImageFont.load_default(size)
    except OSError:
        return ImageFont.load_default(size)
