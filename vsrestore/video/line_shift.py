"""Lines of a picture moved, each by its own part of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray

from .cache import keep_shared, uncached
from .frames import plane_views

TAPS = 8  # of Lanczos' kernel
NEAR = 8  # lines: what is uncovered at a side is taken from lines up to so far above and below

Floats = NDArray[np.float32]


def lines_moved(clip: vs.VideoNode, shifts: Sequence[vs.VideoNode]) -> vs.VideoNode:
    """Return a clip whose lines are moved to the left by so many pixels; frames that have nothing to move as they are.

    Args:
        clip: any constant format.
        shifts: GRAYS clips of one row, with a number for every line of the frame; or two, for the lines of the upper
            field and those of the lower.

    """
    fmt = clip.format

    def move(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        fields = [plane_views(frame)[0][0] for frame in f[1:]]
        if not any(field.any() for field in fields):
            return f[0]
        frame = f[0].copy()
        for number, plane in enumerate(plane_views(frame)):
            down, across = (fmt.subsampling_h, fmt.subsampling_w) if number else (0, 0)
            for first, field in enumerate(fields):
                lines = plane[first :: len(fields)]
                own = _of_samples(field, len(lines), 1 << down) / np.float32(1 << across)
                lines[:] = _as_samples(moved(lines.astype(np.float32), own), fmt)
        return frame

    return keep_shared(uncached.ModifyFrame(clip, [clip, *shifts], move))


def moved(lines: Floats, shifts: Floats) -> Floats:
    """Move lines (H, W) to the left by px (H,), with Lanczos' kernel of 8 taps.

    What is uncovered at a side comes from the lines above and below that reach there, else the edge is repeated.
    """
    width = lines.shape[1]
    place = np.clip(shifts, -width, width)
    whole = np.floor(place).astype(np.int64)
    columns = np.arange(1 - TAPS // 2, width + TAPS // 2)[None] + whole[:, None]
    samples = np.take_along_axis(lines, columns.clip(0, width - 1), 1)
    result = np.zeros_like(lines)
    for tap, weight in enumerate(_lanczos((place - whole).astype(np.float32))):
        result += weight[:, None] * samples[:, tap : tap + width]
    _uncovered_filled(result, place)
    return np.where(shifts[:, None] == 0, lines, result)


def _lanczos(part: Floats) -> Floats:
    """Return the weights (8, H) of the samples around a place so far (H,) right of the fourth, of unit sum."""
    half = TAPS // 2
    far = part - np.arange(1 - half, half + 1, dtype=np.float32)[:, None]
    weights = np.sinc(far) * np.sinc(far / half)
    return np.asarray(weights / weights.sum(0), dtype=np.float32)


def _uncovered_filled(lines: Floats, shifts: Floats) -> None:
    """Fill what lines (H, W), moved to the left by px (H,), have uncovered at their sides, in place."""
    height, width = lines.shape
    rows = np.arange(height)
    for column in [*range(min(_reach(-shifts), width)), *range(width - min(_reach(shifts), width), width)]:
        covered = (column + shifts >= 0) & (column + shifts <= width - 1)
        there, bare = rows[covered], rows[~covered]
        if not len(there):
            continue
        after = np.searchsorted(there, bare)
        above, below = there[np.maximum(after - 1, 0)], there[np.minimum(after, len(there) - 1)]
        near = np.minimum(np.abs(bare - above), np.abs(below - bare)) <= NEAR
        lines[bare[near], column] = np.interp(bare, there, lines[there, column])[near]


def _reach(shifts: Floats) -> int:
    return int(np.ceil(max(float(shifts.max()), 0)))


def _of_samples(shifts: Floats, count: int, lines: int) -> Floats:
    """Return the shifts (count,) of samples that stand for so many lines each: their mean."""
    padded = np.pad(shifts, (0, count * lines - len(shifts)), mode="edge")
    return padded.reshape(count, lines).mean(1)


def _as_samples(values: Floats, fmt: vs.VideoFormat) -> np.ndarray:
    if fmt.sample_type == vs.FLOAT:
        return values
    return np.rint(values).clip(0, (1 << fmt.bits_per_sample) - 1)
