"""What a run shows: a sheet of restored frames, and the curves of its losses, as PNG."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vsrestore.comparison.images import png
from vsrestore.comparison.plot import Curve, ticks_of
from vsrestore.training.task import Frames, Restorer, Sample
from vsrestore.training.validate import CPU, restore_clip, to_planes

Picture = NDArray[np.uint8]
SHOWN = 6  # shots on a sheet
GAP, LINE = 6, 18  # px: between pictures, and of a line of text
PAPER, INK, RULE = (255, 255, 255), (40, 40, 40), (225, 225, 225)
COLOURS = ((31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189), (255, 127, 14), (23, 190, 207))
PANEL, PLOT_HEIGHT = 900, 260  # px
MARGINS = (70, 24, 26, 30)  # px: left, right, top, bottom of a plot
HEAD = ("step", "progress", "seconds", "rate")  # columns of a log that are no losses


def sheet(
    network: Restorer,
    clips: Mapping[str, NDArray[np.uint8]],
    cases: Mapping[str, Callable[[Frames], Sample]],
    device: torch.device = CPU,
) -> bytes:
    """Return a PNG with a row for every clip: its middle frame as it is seen, restored by the last head, and the truth.

    The kinds of damage take turns from clip to clip.

    Args:
        network: what restores.
        clips: frames (T, H, W, 3) uint8 by name; the first six are shown.
        cases: kinds of damage by name.
        device: of the network.
    """
    rows = []
    for number, (name, frames) in enumerate(list(clips.items())[:SHOWN]):
        case = list(cases)[number % len(cases)]
        sample = cases[case](frames.astype(np.float32) / np.float32(255))
        rows.append((f"{name}: {case}", _row(network, sample, device)))
    return png(_stacked(rows))


def _row(network: Restorer, sample: Sample, device: torch.device) -> list[Picture]:
    """Input, output and truth of the middle frame, of one size."""
    seen, truth = to_planes(sample.seen), to_planes(sample.targets[-1])
    middle = len(seen) // 2
    restored = restore_clip(network, seen, device, [middle])[-1][0]
    shown = F.interpolate(seen[middle : middle + 1], size=truth.shape[-2:], mode="nearest")[0]
    return [(part.clamp(0, 1) * 255 + 0.5).byte().permute(1, 2, 0).numpy() for part in (shown, restored, truth[middle])]


def _stacked(rows: Sequence[tuple[str, Sequence[Picture]]]) -> Picture:
    """Rows of pictures under their names, on one sheet."""
    width = max(sum(picture.shape[1] + GAP for picture in pictures) for _, pictures in rows) + GAP
    height = sum(pictures[0].shape[0] + LINE + GAP for _, pictures in rows) + GAP
    paper = Image.new("RGB", (width, height), PAPER)
    pen, y = ImageDraw.Draw(paper), GAP
    for name, pictures in rows:
        pen.text((GAP, y), f"{name}   (input | output | truth)", INK)
        x, y = GAP, y + LINE
        for picture in pictures:
            paper.paste(Image.fromarray(picture), (x, y))
            x += picture.shape[1] + GAP
        y += pictures[0].shape[0] + GAP
    return np.asarray(paper)


def plot(logs: Sequence[Path]) -> bytes:
    """Return a PNG with the curves of CSV logs over the steps, one plot for every log that has rows.

    Args:
        logs: files with a first column "step"; other columns of `HEAD` are left out.
    """
    tables = [(path.stem, *_table(path)) for path in logs if path.exists()]
    plots = [_drawn(*table) for table in tables if len(table[1])]
    return png(np.concatenate(plots or [np.full((PLOT_HEIGHT, PANEL, 3), 255, np.uint8)]))


def _table(path: Path) -> tuple[list[int], dict[str, list[float | None]]]:
    """Steps and columns of a log; cells may be empty."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in (rows[0] if rows else {}) if name not in HEAD]
    columns = {name: [float(row[name]) if row[name] else None for row in rows] for name in names}
    return [int(row["step"]) for row in rows], columns


def _drawn(title: str, steps: Sequence[int], columns: Mapping[str, Sequence[float | None]]) -> Picture:
    """One plot of curves with axes and a legend."""
    paper = Image.new("RGB", (PANEL, PLOT_HEIGHT), PAPER)
    pen = ImageDraw.Draw(paper)
    curves = {name: _curve(steps, values) for name, values in columns.items()}
    means = np.concatenate([curve.mean for curve in curves.values()])
    known = means[np.isfinite(means)]
    ticks = ticks_of(float(known.min()), float(known.max())) if known.size else [0.0, 1.0]
    _axes(pen, ticks, steps)
    pen.text((6, 6), title, INK)
    x = float(MARGINS[0])
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        pen.text((x, 6), name, colour)
        x += pen.textlength(name) + 14
        for run in curve.runs():
            _line(
                pen, [(_across(point, curve.points), _down(float(curve.mean[point]), ticks)) for point in run], colour
            )
    return np.asarray(paper)


def _axes(pen: ImageDraw.ImageDraw, ticks: Sequence[float], steps: Sequence[int]) -> None:
    left, right, _, bottom = MARGINS
    for tick in ticks:
        y = _down(tick, ticks)
        pen.line((left, y, PANEL - right, y), RULE)
        pen.text((left - 6, y), f"{tick:.4g}", INK, anchor="rm")
    pen.text((left, PLOT_HEIGHT - bottom + 6), f"step {steps[0]}", INK)
    pen.text((PANEL - right, PLOT_HEIGHT - bottom + 6), f"{steps[-1]}", INK, anchor="ra")


def _curve(steps: Sequence[int], values: Sequence[float | None]) -> Curve:
    """Values over the steps; neighbours stand at the same distance, since logs are written at a steady pace."""
    curve = Curve(len(steps))
    for number, value in enumerate(values):
        curve.add(number, value)
    return curve


def _line(pen: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], colour: tuple[int, int, int]) -> None:
    if len(points) > 1:
        pen.line(points, colour, width=2)
    for x, y in points if len(points) == 1 else ():
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), colour)


def _across(point: int, points: int) -> float:
    left, right, _, _ = MARGINS
    return left + (point + 0.5) / points * (PANEL - left - right)


def _down(value: float, ticks: Sequence[float]) -> float:
    _, _, top, bottom = MARGINS
    return top + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (PLOT_HEIGHT - top - bottom)
