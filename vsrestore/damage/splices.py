"""Splices: where two ends of film were joined with tape or cement, and what was lost there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .canvas import Box, Canvas, View, box_around
from .noise import Array, Event, events, generator, smooth_field
from .ranges import ranged

# Of the frames of a splice the first is the last before the join; the others fall back into step after it.
_SPLICE = (97, 97)
_SETTLES = 0.4
_STEADY = 8


@dataclass(frozen=True, kw_only=True)
class Splices:
    """Splices; each shows in the frame before the join and in the three after it.

    rate: mean splices per frame, 0 = off; a worn reel 0.001-0.01.
    missing: most frames lost at one, see `frame_map`.
    offset: largest vertical displacement in px of the first frame after it, 5-40; gone after three frames.
    edge: height in px of the edge of tape or cement, 2-10; 0 = none.
    bright: share of bright edges; the others are dark.
    flash: largest brightening of the first frame, 0.1-0.6.
    glue: how opaque the smeared glue beside the edge is, 0 = none.
    tape: opacity of tape over both frames up to its own edge, with bubbles under it, 0 = none.
    """

    rate: float = ranged(0.0, 0, 0.05)
    missing: int = ranged(0, 0, 6)
    offset: float = ranged(15.0, 0, 40)
    edge: float = ranged(5.0, 0, 10)
    bright: float = ranged(0.5, 0, 1)
    flash: float = ranged(0.3, 0, 0.6)
    glue: float = ranged(0.4, 0, 0.9)
    tape: float = ranged(0.0, 0, 0.6)


def joins(seed: int, frame: int, splices: Splices) -> Iterator[tuple[Event, int]]:
    """Yield the splices near a frame and how many frames it lies behind each: -1 is the last before the join."""
    if splices.rate > 0:
        for event in events(seed, "splice", frame, splices.rate, _SPLICE):
            yield event, frame - event.start - 1


def frame_map(seed: int, first: int, count: int, splices: Splices) -> NDArray[np.int64]:
    """Return which frame of the whole film each of the frames first .. first + count - 1 shows, shape (count,).

    After a splice the picture is ahead by the frames that are missing. To stay in step with the sound, frames are then
    shown twice now and then, so that nothing is left of the lead 96 frames later.
    """
    frames = range(first - _STEADY, first + count)
    leads = np.array([frame + _lead(seed, frame, splices) for frame in frames], dtype=np.int64)
    # Leads of two splices may fall at once; the film never runs backwards.
    return np.lib.stride_tricks.sliding_window_view(leads, _STEADY + 1).max(axis=-1)


def _lead(seed: int, frame: int, splices: Splices) -> int:
    """Return by how many frames the picture is ahead."""
    lead = 0
    for event, since in joins(seed, frame, splices) if splices.missing else ():
        if since >= 0:
            lost = int(generator(seed, "splice missing", event.number).integers(0, splices.missing + 1))
            lead += math.ceil(lost * (1 - since / (_SPLICE[1] - 1)))
    return lead


def splice_jolt(seed: int, frame: int, splices: Splices, view: View) -> tuple[float, float]:
    """Return how far in px a splice moves the picture down, and the gain of its brightness; (0, 1) away from one."""
    offset, gain = 0.0, 1.0
    for event, since in joins(seed, frame, splices):
        if 0 <= since <= 2:
            size, sign, flash = generator(seed, "splice jolt", event.number).random(3).tolist()
            jolt = splices.offset * (0.3 + 0.7 * size) * (1 if sign < 0.5 else -1) * view.scale
            offset += jolt * _SETTLES**since
            gain *= 1 + splices.flash * (0.3 + 0.7 * flash) if since == 0 else 1.0
    return offset, gain


def lay_splices(canvas: Canvas, seed: int, frame: int, splices: Splices) -> None:
    """Lay the edges of tape or cement, and the glue: at the bottom before a join, at the top after it."""
    for event, since in joins(seed, frame, splices):
        if since in (-1, 0):
            _lay(canvas, generator(seed, "splice edge", event.number), splices, at_top=since == 0)
            if splices.tape > 0:
                _tape(canvas, generator(seed, "splice tape", event.number, since + 1), splices.tape, at_top=since == 0)


def _lay(canvas: Canvas, rng: np.random.Generator, splices: Splices, at_top: bool) -> None:
    """Lay one half of a splice. Order of draws: brightness, height, place, slope, opacity, waves of the outline."""
    view = canvas.view
    bright, size, place, slope, opacity = rng.random(5).tolist()
    height = splices.edge * (0.4 + 0.6 * size) * view.scale
    far = (0.01 + 0.05 * place) * view.frame_height
    depth = 4 * height + far
    rows = (0.0, depth) if at_top else (view.frame_height - 1 - depth, view.frame_height - 1.0)
    box = box_around(view, rows, (0, view.frame_width - 1))
    if box is None:
        return
    # Rows from the frame line inwards, the same way round on both sides of the join.
    inwards = box.ys if at_top else view.frame_height - 1 - box.ys
    ragged = smooth_field(rng, np.zeros(1, np.float32), box.xs, 12 * view.scale, 8)[0]
    line = far + (slope - 0.5) * 0.02 * (box.xs - view.frame_width / 2) + 0.1 * height * ragged
    distance = np.abs(inwards[:, None] - line[None, :])
    colour = np.full(3, 0.92 if bright < splices.bright else 0.05, dtype=np.float32)
    alpha = (0.6 + 0.4 * opacity) * np.clip(0.5 + height / 2 - distance, 0, 1)
    if splices.glue > 0:
        canvas.multiply(box, _glue(rng, box, inwards, depth, splices.glue, view), np.full(3, -0.45, dtype=np.float32))
    if splices.edge > 0:
        canvas.blend(box, alpha.astype(np.float32), colour)


def _glue(rng: np.random.Generator, box: Box, inwards: Array, depth: float, opacity: float, view: View) -> Array:
    """Return the cover (h, w) of smeared glue: blobs that get fewer away from the frame line."""
    field = smooth_field(rng, box.ys, box.xs, 14 * view.scale, 10)
    near = 1 - inwards / np.float32(max(depth, 1.0))
    return (opacity * np.clip(2 * (0.5 * field + near[:, None] - 0.7), 0, 1)).astype(np.float32)


def _tape(canvas: Canvas, rng: np.random.Generator, opacity: float, at_top: bool) -> None:
    """Lay one half of a piece of tape. Order of draws: length, strength, sign, slope, tint, bubbles."""
    view = canvas.view
    box = box_around(view, (0, view.frame_height - 1), (0, view.frame_width - 1))
    if box is None:
        return
    length, strength, sign, slope = rng.random(4).tolist()
    inwards = box.ys if at_top else view.frame_height - 1 - box.ys
    end = (0.15 + 1.1 * length) * view.frame_height + (slope - 0.5) * 0.1 * (box.xs - view.frame_width / 2)
    inside = np.clip(end[None, :] - inwards[:, None] + 0.5, 0, 1)
    gain = (0.4 if sign < 0.5 else -0.5) * (1 + 0.1 * rng.standard_normal(3))
    bubbles = smooth_field(rng, box.ys, box.xs, 25 * view.scale, 12)
    cover = inside * (0.4 + np.clip(4 * (np.abs(bubbles) - 1.2), 0, 0.6))
    rim = np.clip(1 - np.abs(end[None, :] - inwards[:, None]) / (2 * view.scale + 1), 0, 1)
    alpha = np.float32(opacity * (0.4 + 0.6 * strength)) * np.maximum(cover, rim)
    canvas.multiply(box, alpha.astype(np.float32), gain.astype(np.float32))
