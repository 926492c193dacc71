"""Change-over marks: round, oval, ringed, punched or scribed by hand, on a few frames; they are no dirt."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .canvas import Box, Canvas, View, box_around
from .noise import Array, Event, between, events, generator
from .ranges import ranged

DURATIONS = (3, 5)
"""Fewest and most frames that a mark lasts; those at the ends of reels last four."""

_KINDS = ("spot", "spot", "ring", "punched", "scribed", "cross", "scraped")


@dataclass(frozen=True, kw_only=True)
class CueMarks:
    """Change-over marks.

    rate: mean marks that start per frame, 0 = off.
    reel: frames per reel, 0 = off; marks then begin 192 and 24 frames before each reel's end (8 s and 1 s).
    anywhere: place them anywhere in the frame instead of the upper right corner (for training on pieces of frames).
    spread: how far from the usual place, as a part of the frame.
    size: radius as a part of the frame's height, drawn evenly in the logarithm between these two.
    coloured: share of marks scratched into the emulsion of colour film, which leaves some of its layers.
    """

    rate: float = ranged(0.0, 0, 1)
    reel: int = ranged(0, 0, 30_000)
    anywhere: bool = False
    spread: float = ranged(0.02, 0, 0.15)
    size: tuple[float, float] = ranged((0.015, 0.025), 0.006, 0.07)
    coloured: float = ranged(0.0, 0, 1)


class _Mark(NamedTuple):
    """What stays of a mark over its frames; lengths in px, bumps and phases of its outline (4,)."""

    y: float
    x: float
    radius: float
    oval: float
    turn: float
    kind: str
    edge: float
    line: float
    opacity: float
    core: Array
    rim: Array
    bumps: NDArray[np.float64]
    phases: NDArray[np.float64]


def _at_reel_ends(frame: int, reel: int) -> Iterator[Event]:
    """Yield the mark of a reel's end that shows in this frame, motor cue or change-over cue."""
    for order, before in enumerate((192, 24) if reel > 0 else ()):
        start = frame // reel * reel + reel - before
        if start <= frame < start + 4:
            # Poisson marks of one cell are never so many.
            yield Event(start, 4, frame // reel, 4000 + order)


def lay_cue_marks(canvas: Canvas, seed: int, frame: int, marks: CueMarks) -> None:
    """Lay the change-over marks that show in this frame."""
    for event in [*events(seed, "cue", frame, marks.rate, DURATIONS), *_at_reel_ends(frame, marks.reel)]:
        mark = _drawn(generator(seed, "cue mark", event.number), marks, canvas.view)
        own = generator(seed, "cue step", frame, event.number)
        dy, dx = own.random(2) - 0.5
        mark = mark._replace(y=mark.y + dy, x=mark.x + dx)
        if mark.kind in ("scribed", "cross", "scraped"):  # by hand, on one frame after the other
            mark = mark._replace(
                phases=mark.phases + 0.8 * own.standard_normal(4),
                turn=mark.turn + 0.2 * own.standard_normal(),
                radius=mark.radius * between(own, 0.85, 1.18),
            )
        _lay(canvas, mark)


def _drawn(rng: np.random.Generator, marks: CueMarks, view: View) -> _Mark:
    """Draw a mark. Order of draws: place, size, shape, kind, edge, line, opacity, colours, outline."""
    frame = np.array((view.frame_height, view.frame_width))
    place = (np.array((0.075, 0.935)) + marks.spread * rng.uniform(-1, 1, 2)) * frame
    where = rng.random(2) * frame
    low, high = marks.size
    radius, oval, turn = between(rng, low, high) * view.frame_height, between(rng, 0.5, 1.5), rng.random() * math.pi
    kind = _KINDS[rng.integers(len(_KINDS))]
    by_hand = kind in ("scribed", "cross", "scraped")
    edge, line = 0.7 + 1.5 * rng.random(), max(between(rng, 0.08, 0.3) * radius, 1.0)
    opacity, bright = 1 - 0.5 * rng.random() ** 2, rng.random() < 0.5
    level = np.array((0.8 + 0.2 * rng.random()) if bright else 0.02 + 0.12 * rng.random())
    layers = np.where(rng.random() < marks.coloured, 0.1 + 0.9 * rng.random(3), np.ones(3))
    core = np.float32(level * layers if bright or not by_hand else level)
    y, x = (where if marks.anywhere else place).tolist()
    bumps = rng.standard_normal(4) * ((0.1 if by_hand else 0.03) / np.arange(1, 5))
    return _Mark(
        y=y,
        x=x,
        radius=max(radius, 2.0),
        oval=oval,
        turn=turn if by_hand else 0.0,
        kind=kind,
        edge=edge,
        line=line,
        opacity=opacity,
        core=np.broadcast_to(core, 3).astype(np.float32),
        rim=np.full(3, 0.04 if bright else 0.9, dtype=np.float32),
        bumps=bumps,
        phases=rng.random(4) * 2 * math.pi,
    )


def _lay(canvas: Canvas, mark: _Mark) -> None:
    reach = 1.8 * mark.radius + mark.line + 2
    box = box_around(canvas.view, (mark.y - reach, mark.y + reach), (mark.x - reach, mark.x + reach))
    if box is None:
        return
    depth, far = _depth(mark, box)
    if mark.kind in ("ring", "scribed"):
        canvas.blend(box, _covered(mark, mark.line / 2 - np.abs(depth)), mark.core)
    elif mark.kind == "cross":
        arms = np.maximum(mark.line / 2 - np.abs(far[0]), mark.line / 2 - np.abs(far[1]))
        canvas.blend(box, _covered(mark, np.minimum(arms, depth)), mark.core)
    else:
        if mark.kind == "punched":
            canvas.blend(box, _covered(mark, depth + mark.line), mark.rim)
        canvas.blend(box, _covered(mark, depth), mark.core)


def _depth(mark: _Mark, box: Box) -> tuple[Array, tuple[Array, Array]]:
    """Return how far in px each pixel of the box lies inside the outline, and along the mark's own two axes."""
    dy, dx = (box.ys - mark.y)[:, None], (box.xs - mark.x)[None, :] / mark.oval
    cos, sin = math.cos(mark.turn), math.sin(mark.turn)
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    angle = np.arctan2(across, along)
    waves = np.arange(1, 5) * (3 if mark.kind == "scraped" else 1)
    outline = 1 + sum(
        bump * np.cos(k * angle + phase) for bump, phase, k in zip(mark.bumps, mark.phases, waves, strict=True)
    )
    return mark.radius * np.minimum(outline, 1.6) - np.hypot(along, across), (along, across)


def _covered(mark: _Mark, depth: NDArray[np.floating[Any]]) -> Array:
    return (mark.opacity * np.clip(0.5 + depth / mark.edge, 0, 1)).astype(np.float32)
