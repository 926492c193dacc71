"""Drop-outs: places where the oxide is gone, on single lines and as a crease across the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .canvas import View
from .noise import Array, events, generator
from .ranges import ranged

_CREASE_FRAMES = (2, 10)
_CREASE_DROPOUTS = 12


@dataclass(frozen=True, kw_only=True)
class Dropouts:
    """Lines that lose their signal for some microseconds.

    rate: mean drop-outs per field, 0 = off; 0.1 / 2 / 20.
    length: median length in px; about 200 (15 us). spread: standard deviation of its logarithm.
    compensated: share that the player fills with the line above of the same field; the rest are streaks.
    bright: share of the streaks that are white; the rest are black.
    crease: mean creases that start per frame, each a band of drop-outs through the picture in 2-10 frames.
    tail: decay length in px in which a streak fades at its end.
    lines: mean whole lines per field that are missing: shown twice, black, or grey noise.
    rows: of the frame that a line takes: 1, or more where a deinterlacer made those between from it.
    """

    rate: float = ranged(0.0, 0, 20)
    length: float = ranged(200.0, 20, 400)
    spread: float = ranged(0.7, 0, 1)
    compensated: float = ranged(0.3, 0, 1)
    bright: float = ranged(0.85, 0, 1)
    crease: float = ranged(0.0, 0, 0.1)
    tail: float = ranged(10.0, 2, 80)
    lines: float = ranged(0.0, 0, 10)
    rows: int = ranged(1, 1, 4)


def drop_out(planes: Array, seed: int, frame: int, dropouts: Dropouts, view: View) -> Array:
    """Lay the frame's drop-outs on planes (H, W, 3) in place; return where they are (H, W), in 0-1."""
    mask = np.zeros(planes.shape[:2], dtype=np.float32)
    for parity in (0, 1):
        for order, line in enumerate(_lines(seed, frame, parity, dropouts, view)):
            _lay(
                planes,
                mask,
                generator(seed, "drop-out", 2 * frame + parity, order + 1),
                2 * line + parity,
                dropouts,
                view,
            )
    if dropouts.lines > 0:
        _lose_lines(planes, mask, seed, frame, dropouts, view)
    return mask


def _lose_lines(planes: Array, mask: Array, seed: int, frame: int, dropouts: Dropouts, view: View) -> None:
    """Lose whole lines in place. Order of draws per field: number, places, kinds, noise."""
    for parity in (0, 1):
        rng = generator(seed, "missing lines", 2 * frame + parity)
        number = int(rng.poisson(dropouts.lines))
        rows = 2 * rng.integers(0, max(view.frame_height // 2, 1), number) + parity - view.top
        for row, kind in zip(rows.tolist(), rng.random(number).tolist(), strict=True):
            noise = rng.random(view.width, dtype=np.float32)
            here = slice(max(row, 0), max(row + dropouts.rows, 0))
            if not len(planes[here]):
                continue
            if kind < 0.4:
                planes[here] = planes[max(row - 2, row % 2)]
            else:
                planes[here, :, 0] = np.float32(0.02) if kind < 0.7 else 0.3 + 0.4 * noise
                planes[here, :, 1:] = 0
            mask[here] = 1


def _lines(seed: int, frame: int, parity: int, dropouts: Dropouts, view: View) -> Iterator[int]:
    """Yield the field line of each drop-out of one field."""
    rng = generator(seed, "drop-out", 2 * frame + parity)
    lines = max(view.frame_height // 2, 1)
    yield from rng.integers(0, lines, int(rng.poisson(dropouts.rate))).tolist()
    if dropouts.crease <= 0:
        return
    for event in events(seed, "crease", frame, dropouts.crease, _CREASE_FRAMES):
        centre = (frame - event.start + 0.5) / event.length * lines
        rng = generator(seed, "crease lines", 2 * frame + parity, event.number)
        places = np.rint(centre + rng.standard_normal(int(rng.poisson(_CREASE_DROPOUTS))) * 0.025 * lines)
        yield from np.clip(places, 0, lines - 1).astype(int).tolist()


def _lay(planes: Array, mask: Array, rng: np.random.Generator, row: int, dropouts: Dropouts, view: View) -> None:
    """Lay one drop-out. Order of draws: length, start, height, kind, level, then per line the jitter and sparkle."""
    length = dropouts.length * float(np.exp(dropouts.spread * rng.standard_normal())) * view.scale
    start = rng.random() * (view.frame_width + length) - length
    height = min(int(rng.geometric(0.6)), 4)
    filled, bright, level = rng.random(3).tolist()
    for line in range(height):
        y = row + 2 * line - view.top
        jitter = rng.standard_normal(2) * 0.1 * length
        sparkle = rng.random(view.width, dtype=np.float32)
        here = slice(max(y, 0), max(y + dropouts.rows, 0))
        if not len(planes[here]):
            continue
        far = np.arange(view.left, view.left + view.width, dtype=np.float32) - np.float32(start + jitter[0])
        end = np.float32(max(length + jitter[1] - jitter[0], 1.0))
        if filled < dropouts.compensated:
            inside = (far >= 0) & (far < end)
            planes[here, inside] = planes[max(y - 2, y % 2), inside]
            mask[here, inside] = 1
            continue
        cover = np.where(far < 0, 0, np.exp(-np.maximum(far - end, 0) / (dropouts.tail * view.scale))).astype(
            np.float32
        )
        # Sparkle: the streak is noisy, the more where it fades.
        cover *= 1 - np.float32(0.6) * sparkle * sparkle
        value = np.float32(0.9 + 0.1 * level if bright < dropouts.bright else 0.1 * level)
        planes[here, :, 0] += cover * (value - planes[here, :, 0])
        planes[here, :, 1:] *= (1 - cover)[:, None]
        np.maximum(mask[here], cover, out=mask[here])
