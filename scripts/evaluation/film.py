"""Film weights on clean clips: damage them, restore them, and give a table of PSNR as Markdown."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import imageio_ffmpeg
import torch
from safetensors.torch import load_file

from vsrestore import networks
from vsrestore.damage.film import PRESETS, sample_film
from vsrestore.training.clips import decode
from vsrestore.training.task import Restorer
from vsrestore.training.tasks.film import FilmTask, film_cases
from vsrestore.training.validate import Scores, scores, table

SEEDS = (101, 102, 103, 104, 105, 106)
FIRST_SEED = 1000
"""Of the presets; random mixtures have the seeds below."""


def measure(
    weights: Path, clips: Sequence[Path], frames: int, width: int, seeds: Sequence[int], figures: Path | None
) -> str:
    """Return the table for every clip under both presets and a random mixture for each seed.

    Args:
        weights: of the film network.
        clips: video files without damage.
        frames: from the start of every clip.
        width: wider clips are reduced to it, in pixels.
        seeds: of random mixtures.
        figures: file that gets the figures as CSV, clip by clip; None: no such file.

    """
    network = networks.load(load_file(weights), "temporal_unet").to(memory_format=torch.channels_last)
    damage = {name: (FIRST_SEED + number, film) for number, (name, film) in enumerate(PRESETS.items())}
    damage |= {f"mixture {seed}": (seed, sample_film(seed)) for seed in seeds}
    rows: list[Scores] = []
    for path in clips:
        clean = decode(path, *size_of(path, width))[:frames]
        for row in scores(cast("Restorer", network), {path.stem: clean}, film_cases(damage)):
            rows.append(row)
            if figures:
                write(figures, rows)
    return table(rows, FilmTask.heads)


def size_of(path: Path, widest: int) -> tuple[int, int]:
    """Width and height to decode to, even."""
    reader = imageio_ffmpeg.read_frames(path)
    width, height = next(reader)["size"]
    reader.close()
    scale = min(1.0, widest / width)
    return 2 * round(width * scale / 2), 2 * round(height * scale / 2)


def write(path: Path, rows: Sequence[Scores]) -> None:
    """Write all figures as CSV."""
    names = [f"{head} {when}" for when in ("before", "after") for head in FilmTask.heads]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("clip", "damage", *names))
        writer.writerows((row.clip, row.case, *row.before, *row.after) for row in rows)
