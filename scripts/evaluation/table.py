"""Figures as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .datasets import DATASETS
from .measure import Result, Settings, filter_name
from .metrics import Score, mean
from .published import TABLE, Figure, figures_of

COLUMNS = ("clip", "frames", "PSNR RGB", "SSIM RGB", "PSNR Y", "SSIM Y")
LISTED = 100
"""Test sets of more clips are shown by their mean alone."""


def show(results: Sequence[Result], settings: Settings) -> None:
    """Print the figures of all clips, their mean, and what was published."""
    origin = f"read from {settings.low}" if settings.low else "made from the true frames"
    title = Text(f"{settings.filter} on {settings.dataset}, {settings.input} {origin}")
    table = Table(title=title, title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "clip" else "right", no_wrap=True)
    if len(results) <= LISTED:
        for result in results:
            table.add_row(result.clip, str(result.frames), *_cells(result.score))
    table.add_section()
    overall = mean([result.score for result in results])
    table.add_row("mean", str(sum(result.frames for result in results)), *_cells(overall))
    table.add_section()
    for figure in figures_of(filter_name(settings.filter), settings.dataset, settings.input):
        table.add_row(f"published: {figure.model or figure.filter}", "", *_published(figure))
    console = Console(width=None if Console().is_terminal else 160)
    console.print(table)
    for remark in remarks(results, settings):
        console.print(remark, highlight=False)


def remarks(results: Sequence[Result], settings: Settings) -> list[str]:
    """Return why the mean is not to be held against the published figures, or that there are none."""
    name = filter_name(settings.filter)
    if not figures_of(name, settings.dataset, settings.input):
        return [f"No published figure of {name} for this input is in {TABLE.name}."]
    found = []
    clips = DATASETS[settings.dataset].clips
    if clips is not None and len(results) != clips:
        found.append(f"Published figures are means of {clips} clips; these are of {len(results)}.")
    if settings.frames is not None or settings.skip or settings.border:
        found.append("Published figures count all frames to their edges; --frames, --skip and --border change that.")
    return found


def _cells(score: Score) -> tuple[str, ...]:
    return tuple(f"{value:.4f}" for value in score)


def _published(figure: Figure) -> tuple[str, ...]:
    cells = (f"{figure.psnr:.4f}", "" if figure.ssim is None else f"{figure.ssim:.4f}")
    return (*cells, "", "") if figure.channel == "RGB" else ("", "", *cells)
