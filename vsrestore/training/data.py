"""Training data: shots of an index, decoded once, and the samples that are cut from them and damaged."""

from __future__ import annotations

import csv
import itertools
import subprocess
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe, Recipe
from vsrestore.training.tasks import task_of

SHRINK_LEAST = 0.6
KEPT = 256  # samples that are used again


class DataError(ValueError):
    """Training clips are missing or cannot be used."""


@dataclass(frozen=True)
class Shot:
    """A decoded shot: its file name, its origin, and its frames, (T, H, W, 3) uint8."""

    name: str
    origin: str
    frames: NDArray[np.uint8]


def read_shots(clips: Path, licence_classes: Sequence[str]) -> list[Shot]:
    """Decode every shot of ``clips``/index.csv whose licence class is among those given.

    Raises:
        DataError: there is no index, no such shot, or a shot cannot be decoded.
    """
    index = clips / "index.csv"
    if not index.is_file():
        raise DataError(f"{clips}: has no index.csv; give the folder of the training shots with --clips")
    with index.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["licence_class"] in licence_classes]
    if not rows:
        raise DataError(f"{index}: lists no shot of the licence classes {', '.join(licence_classes)}")
    return [Shot(row["file"], row["origin"], decode(clips / row["file"], int(row["w"]), int(row["h"]))) for row in rows]


def decode(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """Decode a clip to RGB frames, (T, height, width, 3).

    Raises:
        DataError: ffmpeg cannot read it, or it gives no frame.
    """
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    command += ["-vf", f"scale={width}:{height}:flags=bicubic", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    frames = np.frombuffer(done.stdout, dtype=np.uint8)
    if done.returncode or not frames.size:
        raise DataError(f"{path}: cannot be decoded: {done.stderr.decode(errors='replace').strip()[-200:]}")
    return frames.reshape(-1, height, width, 3)


def split(shots: Sequence[Shot], held_out: Sequence[str]) -> tuple[list[Shot], list[Shot]]:
    """Divide shots into those to train on and those held out by file name; an origin is never on both sides.

    Raises:
        DataError: a file to hold out is not there.
    """
    missing = set(held_out) - {shot.name for shot in shots}
    if missing:
        raise DataError(f"{sorted(missing)[0]} is to be held out but is not among the shots")
    origins = {shot.origin for shot in shots if shot.name in held_out}
    train = [shot for shot in shots if shot.origin not in origins]
    return train, [shot for shot in shots if shot.name in held_out]


class Batches(Dataset[list[Tensor]]):
    """Endless batches; batch i depends on the seed and on i alone, so a resumed run sees the same ones.

    Making a sample takes longer than learning from it. So every batch has some new samples, and the others are of the
    last `KEPT` ones, flipped and reversed at random.
    """

    def __init__(self, shots: Sequence[Shot], recipe: Recipe) -> None:
        self.shots = shots
        self.data = recipe.data
        self.seed = recipe.seed
        self.size, self.fresh = recipe.schedule.batch, recipe.schedule.fresh
        self.task = task_of(recipe)
        self.kept: OrderedDict[int, tuple[Tensor, ...]] = OrderedDict()

    def __getitem__(self, step: int) -> list[Tensor]:
        """Batch ``step`` as tensors (N, T, 3, H, W): what is seen, and what each head should give."""
        rng = np.random.default_rng((self.seed, step, 1))
        made = (step + 1) * self.fresh
        older = rng.integers(max(made - KEPT, 0), made, self.size - self.fresh)
        numbers = [*range(made - self.fresh, made), *older.tolist()]
        return [
            torch.stack(parts)
            for parts in zip(*(_turned(self._sample(n), self.task.flips, rng) for n in numbers), strict=True)
        ]

    def _sample(self, number: int) -> tuple[Tensor, ...]:
        if number not in self.kept:
            self.kept[number] = self.sample(number)
            if len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return self.kept[number]

    def sample(self, number: int) -> tuple[Tensor, ...]:
        """Sample ``number`` as tensors (T, 3, H, W): what is seen, and what each head should give."""
        rng = np.random.default_rng((self.seed, number))
        frames, order = cut(self.shots[int(rng.integers(len(self.shots)))].frames, self.data, rng)
        seen, targets = self.task.damaged(augment.vary(frames, self.data, rng), self.data, rng)
        return tuple(torch.from_numpy(part[order].transpose(0, 3, 1, 2)).contiguous() for part in (seen, *targets))


def _turned(sample: tuple[Tensor, ...], flips: Sequence[int], rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Flip a sample along each of the axes half of the time."""
    dims = [dim for dim in flips if rng.random() < 0.5]
    return tuple(part.flip(dims) for part in sample)


def cut(
    frames: NDArray[np.uint8], data: DataRecipe, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Cut a random run of frames and a random crop out of a shot.

    Returns:
        The distinct frames of the run, (S, crop, crop, 3) float32 in [0, 1], and which of them each of the T frames
        of the sample is: at a clip's end, frames repeat.
    """
    step = 2 if rng.random() < data.double_step and len(frames) >= 2 * data.frames else 1
    taken = frames[rng.integers(step) :: step]
    taken = taken[::-1] if rng.random() < 0.5 else taken
    count = min(data.frames, len(taken))
    if rng.random() < data.border:
        count = int(rng.integers(min(3, count), count + 1))
    start = int(rng.integers(len(taken) - count + 1))
    ahead = int(rng.integers(data.frames - count + 1))
    order = np.clip(np.arange(data.frames) - ahead, 0, count - 1)
    if rng.random() < data.pans:
        return augment.pan(taken[start], data.crop, count, rng), order
    return augment.crop(taken[start : start + count], data, SHRINK_LEAST, rng), order


class CountFrom(Sampler[int]):
    """Numbers of batches from ``start`` on, without end."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        """The numbers."""
        return itertools.count(self.start)


def batches(shots: Sequence[Shot], recipe: Recipe, first_step: int, workers: int) -> Iterator[list[Tensor]]:
    """Batches from step ``first_step`` on, without end: lists of (N, T, C, H, W), what is seen first."""
    loader = DataLoader(
        Batches(shots, recipe),
        batch_size=None,
        sampler=CountFrom(first_step),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        multiprocessing_context="fork" if workers else None,
    )
    return iter(loader)
