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
CURVE = (31, 119, 180)
PANEL = (300, 150)  # px: width and height of one plot
ACROSS = 3  # plots side by side
MARGINS = (52, 12, 24, 22)  # px: left, right, top, bottom within a plot
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
    before = F.interpolate(seen[middle : middle + 1], size=truth.shape[-2:], mode="nearest")[0]
    pictures = (before, restored, truth[middle])
    return [(picture.clamp(0, 1) * 255 + 0.5).byte().permute(1, 2, 0).numpy() for picture in pictures]


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
    """Return a PNG with a plot for every column of CSV logs, each on a scale of its own.

    Args:
        logs: files with a first column "step"; other columns of `HEAD` are left out, and files that are not there.
    """
    tables = [(path.stem, *_table(path)) for path in logs if path.exists()]
    panels = [
        _panel(f"{log}: {name}", steps, values)
        for log, steps, columns in tables
        for name, values in columns.items()
        if any(value is not None for value in values)
    ]
    width, height = PANEL
    paper = np.full((max(-(-len(panels) // ACROSS), 1) * height, ACROSS * width, 3), 255, np.uint8)
    for number, panel in enumerate(panels):
        y, x = number // ACROSS * height, number % ACROSS * width
        paper[y : y + height, x : x + width] = panel
    return png(paper)


def _table(path: Path) -> tuple[list[int], dict[str, list[float | None]]]:
    """Steps and columns of a log; cells may be empty."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in (rows[0] if rows else {}) if name not in HEAD]
    columns = {name: [float(row[name]) if row[name] else None for row in rows] for name in names}
    return [int(row["step"]) for row in rows], columns


def _panel(title: str, steps: Sequence[int], values: Sequence[float | None]) -> Picture:
    """One curve with its axes."""
    paper = Image.new("RGB", PANEL, PAPER)
    pen = ImageDraw.Draw(paper)
    curve = Curve(len(steps))  # logs are written at a steady pace, so rows stand at equal distances
    for number, value in enumerate(values):
        curve.add(number, value)
    known = curve.mean[np.isfinite(curve.mean)]
    ticks = ticks_of(float(known.min()), float(known.max()))
    _axes(pen, ticks, steps)
    pen.text((MARGINS[0], 4), title, INK)
    for run in curve.runs():
        points = [(_across(point, curve.points), _down(float(curve.mean[point]), ticks)) for point in run]
        if len(points) > 1:
            pen.line(points, CURVE, width=2)
        else:
            ((x, y),) = points
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), CURVE)
    return np.asarray(paper)


def _axes(pen: ImageDraw.ImageDraw, ticks: Sequence[float], steps: Sequence[int]) -> None:
    (width, height), (left, right, _, bottom) = PANEL, MARGINS
    for tick in ticks:
        y = _down(tick, ticks)
        pen.line((left, y, width - right, y), RULE)
        pen.text((left - 4, y), f"{tick:.4g}", INK, anchor="rm")
    pen.text((left, height - bottom + 5), f"step {steps[0]}", INK)
    pen.text((width - right, height - bottom + 5), f"{steps[-1]}", INK, anchor="ra")


def _across(point: int, points: int) -> float:
    left, right, _, _ = MARGINS
    return left + point / max(points - 1, 1) * (PANEL[0] - left - right)


def _down(value: float, ticks: Sequence[float]) -> float:
    _, _, top, bottom = MARGINS
    return top + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (PANEL[1] - top - bottom)
