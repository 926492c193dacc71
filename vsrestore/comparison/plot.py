"""Figures over time as a drawing (SVG)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

POINTS = 600
WIDTH, HEIGHT = 900, 220
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 8, 30
"""Margins around the curves, for the axes' numbers."""
TICKS = 5


class Curve:
    """One figure over the frames of a clip, in at most 600 points however long the clip is.

    A point stands for as many neighbouring frames as need be: their mean, least and greatest value.

    Args:
        frames: of the clip.
        every: of so many frames one has a value.

    """

    def __init__(self, frames: int, every: int = 1) -> None:
        self.frames, self.points = frames, min(max(frames // every, 1), POINTS)
        self._sum, self._count = np.zeros(self.points), np.zeros(self.points, int)
        self.least, self.greatest = np.full(self.points, np.inf), np.full(self.points, -np.inf)

    def add(self, frame: int, value: float | None) -> None:
        """Take the value of a frame; None leaves a gap."""
        if value is None:
            return
        point = frame * self.points // self.frames
        self._sum[point] += value
        self._count[point] += 1
        self.least[point] = min(self.least[point], value)
        self.greatest[point] = max(self.greatest[point], value)

    @property
    def mean(self) -> np.ndarray:
        """The mean of every point, NaN in gaps."""
        return np.where(self._count, self._sum / np.maximum(self._count, 1), np.nan)

    def runs(self) -> list[list[int]]:
        """Return the numbers of the points without gaps between them, run by run."""
        known = enumerate(self._count > 0)
        return [[point for point, _ in run] for there, run in groupby(known, key=lambda each: each[1]) if there]


def plot(curves: Mapping[str, Curve], unit: str) -> str:
    """Return a drawing of curves over one clip, each of the CSS class that it is named by.

    Args:
        curves: by class.
        unit: of the figure, written at its axis.

    """
    known = [value for curve in curves.values() for run in curve.runs() for value in _extent(curve, run)]
    ticks = ticks_of(min(known), max(known)) if known else [0.0, 1.0]
    frames = next(iter(curves.values())).frames
    drawn = [_drawn(name, curve, ticks) for name, curve in curves.items()]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{unit} of every frame">'
        f"{_axes(ticks, frames, unit)}{''.join(drawn)}</svg>"
    )


def _extent(curve: Curve, run: Sequence[int]) -> tuple[float, float]:
    return float(curve.least[run].min()), float(curve.greatest[run].max())


def ticks_of(least: float, greatest: float) -> list[float]:
    """Return round numbers that enclose the values, evenly spread."""
    span = greatest - least or abs(greatest) or 1.0
    size = 10.0 ** math.floor(math.log10(span / TICKS))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor * TICKS >= span * (1 - 1e-9))
    first, last = math.floor(least / step), math.ceil(greatest / step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _drawn(name: str, curve: Curve, ticks: Sequence[float]) -> str:
    mean, parts = curve.mean, []
    for run in curve.runs():
        across = [_across((point + 0.5) / curve.points) for point in run]
        if curve.frames > curve.points:
            upper = [(x, _down(curve.greatest[point], ticks)) for x, point in zip(across, run, strict=True)]
            lower = [(x, _down(curve.least[point], ticks)) for x, point in zip(across, run, strict=True)]
            parts.append(f'<polygon class="{name}" points="{_joined([*upper, *reversed(lower)])}"/>')
        line = [(x, _down(mean[point], ticks)) for x, point in zip(across, run, strict=True)]
        if len(line) == 1:
            parts.append(f'<circle class="{name}" cx="{line[0][0]:.1f}" cy="{line[0][1]:.1f}" r="2"/>')
        else:
            parts.append(f'<polyline class="{name}" points="{_joined(line)}"/>')
    return "".join(parts)


def _axes(ticks: Sequence[float], frames: int, unit: str) -> str:
    lines = []
    for tick in ticks:
        y = _down(tick, ticks)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="value" x="{LEFT - 6}" y="{y + 4:.1f}">{tick:.4g}</text>')
    for frame in sorted({round(part * (frames - 1) / 4) for part in range(5)}):
        x = _across((frame + 0.5) / frames)
        lines.append(f'<text class="frame" x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}">{frame}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    lines.append(f'<text class="unit" transform="translate(12 {middle:.0f}) rotate(-90)">{unit}</text>')
    return "".join(lines)


def _across(part: float) -> float:
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def _down(value: float, ticks: Sequence[float]) -> float:
    return TOP + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (HEIGHT - TOP - BOTTOM)


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
