"""The figures that authors published."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from .datasets import Channel

TABLE = Path(__file__).with_name("published.toml")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """PSNR in dB and SSIM of one model on one test set; papers on noise give no SSIM."""

    filter: str
    dataset: str
    input: str
    channel: Channel
    psnr: float
    ssim: float | None = None
    model: str = ""


def figures() -> list[Figure]:
    """Return all published figures."""
    return [Figure(**row) for row in tomllib.loads(TABLE.read_text())["figure"]]


def figures_of(filter: str, dataset: str, input: str) -> list[Figure]:
    """Return the published figures of a filter's models on a test set with that input."""
    return [row for row in figures() if (row.filter, row.dataset, row.input) == (filter, dataset, input)]
