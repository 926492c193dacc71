"""Scratches along the film that last: they wander, break, fork, come and go, lean, and may hurt some layers only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .canvas import Box, Canvas, View, box_around
from .noise import Array, ar1, between, events, generator, mean_duration, smooth_line
from .ranges import ranged

DURATIONS = (1, 500)
"""Shortest and longest duration of a scratch in frames."""

_FRAME_LINE = 1.05
_FORMS = ("ringing", "flat", "soft", "rimmed", "shaded")
# What is left of white light where layers of the emulsion are gone, or dust of them lies (red, green, blue).
_EMULSION = np.array(
    [(0.15, 1, 0.25), (0.45, 0.75, 1), (0.1, 0.85, 1), (1, 0.9, 0.1), (1, 0.35, 0.1), (1, 0.1, 0.9), (0.1, 0.2, 1)]
)


@dataclass(frozen=True, kw_only=True)
class Scratches:
    """Lines along the film.

    count: mean number at a time in the full frame, 0 = off, 1-6 usual.
    strength: largest change of brightness; each scratch draws from a quarter of it up.
    width: px across, drawn evenly in the logarithm between these two; 0.8-4.5 are 1-6 px at 720 lines.
    drift: standard deviation in px of how it moves sideways from frame to frame.
    wander: standard deviation in px of how it winds along the film; each scratch draws up to that.
    slant: largest lean in px sideways per px down; small ones are commonest.
    dark: share of dark ones. broken: of broken ones. coloured: of those that hurt some layers of the emulsion only.
    fleeting: share of those that come and go over frames. forked: of those that part and meet again.
    bundled: share with up to five beside them. opaque: of those that hide the picture instead of shading it.
    """

    count: float = ranged(0.0, 0, 20)
    strength: float = ranged(0.3, 0.04, 0.7)
    width: tuple[float, float] = ranged((0.8, 3.0), 0.6, 6)
    drift: float = ranged(1.5, 0, 6)
    wander: float = ranged(1.0, 0, 6)
    slant: float = ranged(0.01, 0, 0.4)
    dark: float = ranged(0.5, 0, 1)
    broken: float = ranged(0.4, 0, 1)
    coloured: float = ranged(0.15, 0, 1)
    fleeting: float = ranged(0.2, 0, 1)
    forked: float = ranged(0.1, 0, 1)
    bundled: float = ranged(0.15, 0, 1)
    opaque: float = ranged(0.3, 0, 1)


class _Scratch(NamedTuple):
    """What stays of a scratch; lengths in px of this frame, along the film in px, too."""

    centre: float
    drift: float
    lean: float
    wander: float
    winds: float
    width: float
    form: str
    side: int
    change: float
    opaque: bool
    layers: Array
    gaps: float | None
    gap_length: float
    pauses: float | None
    fork: float


def profile(distance: Array, beta: float, kappa: float, half_width: float) -> Array:
    """Return beta * kappa^|d| * cos(3 pi |d| / (2 w)): what a scratch adds at distance d px (Kokaram 1996)."""
    far = np.abs(distance)
    return (beta * kappa**far * np.cos(3 * math.pi * far / (2 * half_width))).astype(np.float32)


def lay_scratches(canvas: Canvas, seed: int, frame: int, scratches: Scratches) -> None:
    """Lay the scratches that show in this frame."""
    for event in events(seed, "scratch", frame, scratches.count / mean_duration(*DURATIONS), DURATIONS):
        rng = generator(seed, "scratch", event.cell, event.order + 1)
        scratch = _drawn(rng, scratches, canvas.view)
        companions = int(rng.integers(1, 6)) if rng.random() < scratches.bundled else 0
        for number in range(companions + 1):
            _lay(canvas, seed, frame, event.number * 8 + number, scratch)
            apart = between(rng, 2, 30) * canvas.view.scale * (1 if rng.random() < 0.5 else -1)
            scratch = scratch._replace(
                centre=scratch.centre + apart,
                width=scratch.width * between(rng, 0.6, 1.4),
                change=scratch.change * between(rng, 0.5, 1.2),
            )


def _drawn(rng: np.random.Generator, scratches: Scratches, view: View) -> _Scratch:
    """Draw a scratch; every property from its own draws, in the order of the fields."""
    scale, sign = view.scale, 1 if rng.random() >= scratches.dark else -1
    place, drift, lean, wander, strength = rng.random(5).tolist()
    low, high = scratches.width
    return _Scratch(
        centre=place * view.frame_width,
        drift=scratches.drift * (0.2 + 0.8 * drift) * scale,
        lean=scratches.slant * lean**3 * (1 if rng.random() < 0.5 else -1),
        wander=scratches.wander * wander * scale,
        winds=between(rng, 15, 900) * scale,
        width=max(between(rng, low, high) * scale, 0.7),
        form=_FORMS[rng.integers(len(_FORMS))],
        side=1 if rng.random() < 0.5 else -1,
        change=sign * scratches.strength * (0.25 + 0.75 * strength),
        opaque=bool(rng.random() < scratches.opaque),
        layers=_layers(rng, scratches),
        gaps=float(rng.uniform(-1.0, 1.3)) if rng.random() < scratches.broken else None,
        gap_length=between(rng, 4, 400) * scale,
        pauses=between(rng, 0.4, 20) if rng.random() < scratches.fleeting else None,
        fork=between(rng, 2, 25) * scale if rng.random() < scratches.forked else 0.0,
    )


def _layers(rng: np.random.Generator, scratches: Scratches) -> Array:
    """Return the weight per channel: all three, or what a hurt layer of the emulsion leaves."""
    layers = _EMULSION[rng.integers(len(_EMULSION))]
    whiter = rng.random() ** 2
    if rng.random() >= scratches.coloured:
        return np.ones(3, dtype=np.float32)
    return (layers + (1 - layers) * 0.7 * whiter).astype(np.float32)


def _lay(canvas: Canvas, seed: int, frame: int, number: int, scratch: _Scratch) -> None:
    """Lay one line, and where it forks its other branch."""
    view = canvas.view
    rows = np.arange(view.top, view.top + view.height, dtype=np.float64)
    strip = rows + float(frame * round(view.frame_height * _FRAME_LINE))
    course = _course(seed, frame, number, scratch, rows, strip, view)
    present = _presence(seed, number, scratch, strip, view)
    if not present.any():
        return
    _stroke(canvas, seed, number, scratch, course, present, strip)
    if scratch.fork:
        apart = smooth_line(seed, "scratch fork", strip, 20 * scratch.fork, number)
        branch = (course + scratch.side * scratch.fork * np.maximum(apart, 0)).astype(np.float32)
        _stroke(canvas, seed, number, scratch, branch, present * (apart > 0).astype(np.float32), strip)


def _course(
    seed: int,
    frame: int,
    number: int,
    scratch: _Scratch,
    rows: NDArray[np.float64],
    strip: NDArray[np.float64],
    view: View,
) -> Array:
    """Return the column of the line in every row, (h,): drift from frame to frame, lean, two windings along it."""
    drift = scratch.drift * float(ar1(seed, "scratch drift", frame, 1, 0.95, 1, number)[0, 0])
    step = 0.3 * scratch.drift * float(ar1(seed, "scratch step", frame, 1, 0.0, 1, number)[0, 0])
    winding = smooth_line(seed, "scratch winding", strip, scratch.winds, number)
    tremble = smooth_line(seed, "scratch tremble", strip, max(scratch.winds / 6, 3), number)
    lean = scratch.lean * (rows - view.frame_height / 2)
    course = scratch.centre + drift + step + lean + scratch.wander * (winding + 0.3 * tremble)
    return np.asarray(course, dtype=np.float32)


def _presence(seed: int, number: int, scratch: _Scratch, strip: NDArray[np.float64], view: View) -> Array:
    """Return in 0-1 how much of a scratch shows per row, (h,): its gaps, and the frames in which it rests."""
    present = 1 - 0.3 * np.clip(smooth_line(seed, "scratch strength", strip, 2 * scratch.winds, number), 0, 2)
    if scratch.gaps is not None:
        z = smooth_line(seed, "scratch gaps", strip, scratch.gap_length, number)
        present = present * np.clip(0.5 + 4 * (z - scratch.gaps), 0, 1)
    if scratch.pauses is not None:
        z = smooth_line(seed, "scratch pauses", strip, scratch.pauses * view.frame_height, number)
        present = present * np.clip(0.5 + 5 * z, 0, 1)
    return np.asarray(present, dtype=np.float32)


def _stroke(
    canvas: Canvas,
    seed: int,
    number: int,
    scratch: _Scratch,
    course: Array,
    present: Array,
    strip: NDArray[np.float64],
) -> None:
    reach = 3 * scratch.width + 4
    view, last = canvas.view, canvas.view.top + canvas.view.height - 1
    box = box_around(view, (view.top, last), (float(course.min()) - reach, float(course.max()) + reach))
    if box is None:
        return
    wider = np.exp(0.25 * smooth_line(seed, "scratch width", strip, 60, number))
    width = np.maximum(scratch.width * wider, 0.7)[:, None]
    shape = _shape(box, course, width.astype(np.float32), scratch) * present[:, None]
    if scratch.opaque:
        bright = scratch.change > 0
        colour = (0.9 if bright else 0.06) * scratch.layers + (0.0 if bright else 0.3) * (1 - scratch.layers)
        # Where a profile rings, an opaque line has no rim.
        alpha = np.clip(shape * np.float32(min(0.15 + 1.3 * abs(scratch.change), 1)), 0, 1)
        canvas.blend(box, alpha, colour.astype(np.float32))
    else:
        canvas.add(box, shape * np.float32(scratch.change), scratch.layers)


def _shape(box: Box, course: Array, width: Array, scratch: _Scratch) -> Array:
    """Return the profile (h, w) across the line, 1 in its middle; a rim or a shadow beside it is below 0."""
    distance = box.xs[None, :] - course[:, None]
    far = np.abs(distance)
    core = np.clip(0.5 + width / 2 - far, 0, 1)
    if scratch.form == "flat":
        return core.astype(np.float32)
    if scratch.form == "soft":
        return np.exp(-0.5 * (far / np.maximum(width / 2.2, 0.5)) ** 2).astype(np.float32)
    if scratch.form == "ringing":
        # The middle lobe is two thirds of the half width; a narrower one would fall between the pixels.
        half = np.maximum(1.5 * width, 2.4)
        near = far < 2.2 * half
        return np.where(near, 0.55 ** (far * 1.6 / half) * np.cos(3 * math.pi * far / (2 * half)), 0).astype(np.float32)
    if scratch.form == "rimmed":
        return (core - 0.45 * (np.clip(1.5 + width - far, 0, 1) - core)).astype(np.float32)
    shadow = np.clip(0.5 + width / 2 - np.abs(distance - scratch.side * width), 0, 1)
    return (core - 0.6 * shadow * (1 - core)).astype(np.float32)
