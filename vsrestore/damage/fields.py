"""Interlaced frames: two fields of different times in one picture, film at the rate of video, fields gone wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import View
from .lines import frame_rows
from .noise import Array, events, generator
from .ranges import ranged


@dataclass(frozen=True, kw_only=True)
class Interlacing:
    """Combing from material of the same rate: the later field shows the next frame.

    combing: share of the next frame in the later field, 0 = off, 1 = full combing.
    soften: strength of the vertical low-pass (1/4, 1/2, 1/4) before, against line twitter; only with combing.
    bottom_first: the bottom field is the earlier one.
    """

    combing: float = ranged(0.0, 0, 1)
    soften: float = ranged(0.0, 0, 1)
    bottom_first: bool = False


@dataclass(frozen=True, kw_only=True)
class Pulldown:
    """3:2 pull-down: four frames of film make five of video, fields AA BB BC CD DD.

    on: make it. Frames given to `damage_tape` must be in the order of `film_frame`, the third and fourth of five show
        both themselves and the frame that follows.
    phase: which of the five comes first, 0-4. bottom_first: the bottom field is the earlier one.
    """

    on: bool = False
    phase: int = ranged(0, 0, 4)
    bottom_first: bool = False


@dataclass(frozen=True, kw_only=True)
class FieldFaults:
    """Fields that are missing or mixed.

    lost: mean times per frame that a field goes missing for 1-10 frames, 0 = off; lines of the other stand in for it.
    blend: share of the frame that follows in every frame, as a cheap conversion of rates or fields leaves it; 0.5.
    """

    lost: float = ranged(0.0, 0, 0.2)
    blend: float = ranged(0.0, 0, 0.5)


def film_frame(frame: int, phase: int) -> int:
    """Return which frame of the film a video frame of 3:2 pull-down shows (of its later field: that or the next)."""
    return _film(frame + phase) - _film(phase)


def _film(place: int) -> int:
    return 4 * (place // 5) + (0, 1, 1, 2, 3)[place % 5]


def pull_down(picture: Array, following: Array, frame: int, pulldown: Pulldown, first_row: int = 0) -> Array:
    """Return a video frame (H, W, C): the third and fourth of five have the later field of the film frame after it."""
    if (frame + pulldown.phase) % 5 not in (2, 3):
        return picture
    return interlace(picture, following, Interlacing(combing=1, bottom_first=pulldown.bottom_first), first_row)


def spoil_fields(picture: Array, following: Array, seed: int, frame: int, faults: FieldFaults, view: View) -> Array:
    """Return the picture (H, W, C) blended with the one that follows, or with one of its fields doubled."""
    if faults.blend > 0:
        picture = picture + np.float32(faults.blend) * (following - picture)
    for event in events(seed, "lost field", frame, faults.lost, (1, 10)) if faults.lost > 0 else ():
        parity = int(generator(seed, "lost parity", event.number).integers(2))
        rows = np.arange(view.height)
        gone = frame_rows(view) % 2 == parity
        # The line above stands in; where there is none, the line below.
        source = np.where(gone, np.where(rows > 0, rows - 1, min(1, view.height - 1)), rows)
        picture = picture[source]
    return picture


def interlace(picture: Array, following: Array, interlacing: Interlacing, first_row: int = 0) -> Array:
    """Return the picture (H, W, C) with the lines of its later field taken from the picture that follows.

    Args:
        first_row: frame row of the first row given.
    """
    picture, following = (_softened(part, interlacing.soften) for part in (picture, following))
    later = 0 if interlacing.bottom_first else 1
    start = (later - first_row) % 2
    combed = picture.copy()
    combed[start::2] += np.float32(interlacing.combing) * (following[start::2] - picture[start::2])
    return combed


def _softened(picture: Array, strength: float) -> Array:
    if strength == 0:
        return picture
    padded = np.pad(picture, ((1, 1), (0, 0), (0, 0)), mode="edge")
    low = np.float32(0.25) * (padded[:-2] + padded[2:]) + np.float32(0.5) * picture
    return picture + np.float32(strength) * (low - picture)
