"""Our own weights on clean clips: damage them, restore them, and give a table of figures as Markdown."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import imageio_ffmpeg
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from vsrestore import networks
from vsrestore.comparison.measures import Flicker
from vsrestore.damage import film, film_mixtures, tape, tape_mixtures
from vsrestore.damage.scaling import resized
from vsrestore.training.clips import decode
from vsrestore.training.losses import colour_differences, temporal_error
from vsrestore.training.task import Frames, Restorer, Sample
from vsrestore.training.tasks.film import FilmTask, film_cases
from vsrestore.training.tasks.tape import TapeTask, tape_cases
from vsrestore.training.tasks.upscale import UpscaleTask
from vsrestore.training.validate import Measure, Scores, clip_psnr, plainly, scores, table

from .errors import EvaluationError

SEEDS = (101, 102, 103, 104, 105, 106)
FIRST_SEED = 1000
"""Of the presets; random mixtures have the seeds below."""


class Kind(NamedTuple):
    """What a task's weights are: network, heads, kinds of damage (from the network and seeds), further figures."""

    architecture: str
    heads: tuple[str, ...]
    cases: Callable[[Any, Sequence[int]], Mapping[str, Callable[[Frames], Sample]]]
    more: Measure | None = None


def measure(
    task: str,
    weights: Path,
    clips: Sequence[Path],
    frames: int,
    width: int,
    seeds: Sequence[int] = (),
    figures: Path | None = None,
) -> str:
    """Return the table for every clip under every kind of damage.

    Args:
        task: film, tape or upscale.
        weights: of that task's network.
        clips: video files without damage.
        frames: from the start of every clip.
        width: wider clips are reduced to it, in pixels.
        seeds: of random mixtures of faults.
        figures: file that gets the figures as CSV, clip by clip; None: no such file.

    """
    kind = KINDS[task]
    network: Any = networks.load(load_file(weights), kind.architecture).to(memory_format=torch.channels_last)
    if getattr(network, "head_count", 1) != len(kind.heads):
        raise EvaluationError(f"{weights} is no network for {task}: it has {network.head_count} heads")
    rows: list[Scores] = []
    for path in clips:
        clean = decode(path, *size_of(path, width))[:frames]
        cases = kind.cases(network, seeds or SEEDS)
        for row in scores(cast("Restorer", network), {path.stem: clean}, cases, more=kind.more):
            rows.append(row)
            if figures:
                write(figures, rows, kind.heads)
    return table(rows, kind.heads)


def size_of(path: Path, widest: int) -> tuple[int, int]:
    """Width and height to decode to, even."""
    reader = imageio_ffmpeg.read_frames(path)
    width, height = next(reader)["size"]
    reader.close()
    scale = min(1.0, widest / width)
    return 2 * round(width * scale / 2), 2 * round(height * scale / 2)


def write(path: Path, rows: Sequence[Scores], heads: Sequence[str]) -> None:
    """Write all figures as CSV."""
    names = [f"{head} {when}" for when in ("before", "after") for head in heads]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("clip", "damage", *names, *rows[0].more))
        writer.writerows((row.clip, row.case, *row.before, *row.after, *row.more.values()) for row in rows)


def of_film(_: object, seeds: Sequence[int]) -> Mapping[str, Callable[[Frames], Sample]]:
    """Return both presets and random mixtures of film's faults."""
    return film_cases(_with_seeds(film.PRESETS, film_mixtures.sample_film, seeds))


def of_tape(_: object, seeds: Sequence[int]) -> Mapping[str, Callable[[Frames], Sample]]:
    """Return both presets and random mixtures of the faults of tape."""
    return tape_cases(_with_seeds(tape.PRESETS, tape_mixtures.sample_tape, seeds))


def _with_seeds[Damage](
    presets: Mapping[str, Damage], sample: Callable[[int], Damage], seeds: Sequence[int]
) -> dict[str, tuple[int, Damage]]:
    damage = {name: (FIRST_SEED + number, preset) for number, (name, preset) in enumerate(presets.items())}
    return damage | {f"mixture {seed}": (seed, sample(seed)) for seed in seeds}


def chroma_errors(seen: Tensor, restored: Tensor, truth: Tensor) -> dict[str, float]:
    """Return the mean square error of U and V before and after, in codes of 8 bits squared."""

    def error(frames: Tensor) -> float:
        return float((255 * colour_differences((frames.clamp(0, 1) - truth)[None])).square().mean())

    return {"UV error before": error(seen), "UV error after": error(restored)}


def enlarging(seen: Tensor, restored: Tensor, truth: Tensor) -> dict[str, float]:
    """Return the PSNR of Lanczos enlarging, and what changes in time.

    The temporal flicker of the truth, of bicubic enlarging and of ours; and of the latter two how much their errors
    change from frame to frame, in codes: detail that moves flickers in the truth as well, errors do not.
    """
    height, width = truth.shape[-2:]
    lanczos = resized(seen.permute(0, 2, 3, 1).numpy(), height, width, "lanczos")
    clips = {"truth": truth, "bicubic": plainly(seen, truth), "ours": restored}
    pictures = {
        name: (frames.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy() for name, frames in clips.items()
    }
    flicker = Flicker()
    steps = [flicker.follow({name: clip[t] for name, clip in pictures.items()}, t == 0) for t in range(len(truth))]
    means = {f"flicker {name}": float(np.mean([step[name] or 0.0 for step in steps[1:] or steps])) for name in clips}
    boiling = {
        f"change of error {name}": 255 * float(temporal_error(clips[name].clamp(0, 1)[None], truth[None]))
        for name in ("bicubic", "ours")
    }
    return {"lanczos": clip_psnr(torch.from_numpy(lanczos).permute(0, 3, 1, 2), truth), **means, **boiling}


KINDS = {
    "film": Kind("temporal_unet", FilmTask.heads, of_film),
    "tape": Kind("temporal_unet", TapeTask.heads, of_tape, chroma_errors),
    "upscale": Kind(
        "temporal_upscaler", UpscaleTask.heads, lambda network, _: UpscaleTask(network.scale).cases(), enlarging
    ),
}
