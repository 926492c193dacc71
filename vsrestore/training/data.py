"""Training data: the samples that are cut from shots and damaged, and batches of them."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from vsrestore.training import augment
from vsrestore.training.clips import Pictures, Shot
from vsrestore.training.errors import DataError
from vsrestore.training.recipe import DataRecipe, Recipe
from vsrestore.training.schedule import span_at, span_of_sample, spans
from vsrestore.training.tasks import task_of

SHRINK_LEAST = 0.6
KEPT = 256  # samples that are used again
CUT = 28.0  # codes of 8 bits; frames that differ by more on average belong to two shots


class Batches(Dataset[list[Tensor]]):
    """Endless batches; batch i depends on the seed and on i alone, so a resumed run sees the same ones.

    Making a sample takes longer than learning from it. So every batch has some new samples, and the others are of the
    last `KEPT` ones, flipped and reversed at random.
    """

    def __init__(self, shots: Sequence[Shot], recipe: Recipe) -> None:
        self.shots = shots
        self.data = recipe.data
        self.seed = recipe.seed
        self.spans = spans(recipe)
        self.task = task_of(recipe)
        self.kept: OrderedDict[int, tuple[Tensor, ...]] = OrderedDict()

    def __getitem__(self, step: int) -> list[Tensor]:
        """Batch ``step`` as tensors (N, T, 3, H, W): what is seen, and what each head should give."""
        rng = np.random.default_rng((self.seed, step, 1))
        span = span_at(self.spans, step)
        made = span.first_sample + (step + 1 - span.first_step) * span.fresh
        older = rng.integers(max(made - KEPT, span.first_sample), made, span.batch - span.fresh)
        numbers = [*range(made - span.fresh, made), *older.tolist()]
        make = self._sample if span.fresh < span.batch else self.sample  # what nobody uses again is not kept
        turned = [_turned(make(number), self.task.flips, rng) for number in numbers]
        return [torch.stack(parts) for parts in zip(*turned, strict=True)]

    def _sample(self, number: int) -> tuple[Tensor, ...]:
        if number not in self.kept:
            self.kept[number] = self.sample(number)
            if len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return self.kept[number]

    def sample(self, number: int) -> tuple[Tensor, ...]:
        """Sample ``number`` as tensors (T, 3, H, W): what is seen, what each head should give; then marks, if asked."""
        rng = np.random.default_rng((self.seed, number))
        data = replace(self.data, crop=span_of_sample(self.spans, number).crop)
        frames, order = cut(self.shots[int(rng.integers(len(self.shots)))], data, rng)
        seen, targets, marks = self.task.damaged(augment.vary(frames, data, rng), data, rng)
        if data.marks and marks is None:
            raise DataError("marks = true, but this task does not know where its damage lies; leave it out")
        parts = (seen, *targets, marks) if data.marks and marks is not None else (seen, *targets)
        return tuple(torch.from_numpy(part[order].transpose(0, 3, 1, 2)).contiguous() for part in parts)


def _turned(sample: tuple[Tensor, ...], flips: Sequence[int], rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Flip a sample along each of the axes half of the time."""
    dims = [dim for dim in flips if rng.random() < 0.5]
    return tuple(part.flip(dims) for part in sample)


def cut(shot: Shot, data: DataRecipe, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Cut a random run of frames and a random crop out of a shot.

    Returns:
        The distinct frames of the run, (S, crop, crop, 3) float32 in [0, 1], and which of them each of the T frames
        of the sample is: at a clip's end, and at a cut, frames repeat.
    """
    step = 2 if rng.random() < data.double_step and len(shot) >= 2 * data.frames else 1
    numbers = np.arange(len(shot))[rng.integers(step) :: step]
    numbers = numbers[::-1] if rng.random() < 0.5 else numbers
    count = min(data.frames, len(numbers))
    if rng.random() < data.border:
        count = int(rng.integers(min(3, count), count + 1))
    start = int(rng.integers(len(numbers) - count + 1))
    ahead = int(rng.integers(data.frames - count + 1))
    order = np.clip(np.arange(data.frames) - ahead, 0, count - 1)
    if rng.random() < data.pans:
        return augment.pan(shot.read(numbers[start : start + 1])[0], data.crop, count, rng), order
    if rng.random() < data.zooms:
        return augment.zoom(shot.read(numbers[start : start + 1])[0], data.crop, count, rng), order
    frames = shot.read(numbers[start : start + count])
    if shot.has_cuts:
        first, end = longest_scene(frames)
        frames, order = frames[first:end], np.clip(order, first, end - 1) - first
    return augment.crop(frames, data, SHRINK_LEAST, rng), order


def longest_scene(frames: Pictures) -> tuple[int, int]:
    """Return first and end of the longest run of frames (T, H, W, 3) without a cut inside."""
    coarse = frames[:, ::8, ::8].astype(np.float32)
    cuts = np.flatnonzero(np.abs(np.diff(coarse, axis=0)).mean(axis=(1, 2, 3)) > CUT) + 1
    bounds = [0, *cuts.tolist(), len(frames)]
    return max(itertools.pairwise(bounds), key=lambda run: run[1] - run[0])


class CountFrom(Sampler[int]):
    """Numbers of batches from ``start`` on, without end."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        """The numbers."""
        return itertools.count(self.start)


def _context(shots: Sequence[Shot]) -> str:
    """How workers begin: with the frames that are in memory here, or, to open files, as processes of their own.

    A process that forks while another thread decodes may leave a lock held in its child for ever.
    """
    return "forkserver" if any(shot.has_cuts for shot in shots) else "fork"


def batches(
    shots: Sequence[Shot], recipe: Recipe, first_step: int, workers: int, pinned: bool = False
) -> Iterator[list[Tensor]]:
    """Batches from step ``first_step`` on, without end: lists of (N, T, C, H, W), what is seen first.

    Raises:
        DataError: a clip cannot be decoded where a sample needs it.
    """
    loader = DataLoader(
        Batches(shots, recipe),
        batch_size=None,
        sampler=CountFrom(first_step),
        num_workers=workers,
        pin_memory=pinned,
        prefetch_factor=4 if workers else None,
        multiprocessing_context=_context(shots) if workers else None,
        generator=torch.Generator(),  # one of its own: a resumed run must not draw more numbers than one in one piece
    )
    try:
        yield from loader
    except DataError as error:  # a worker's comes with the story of its process in front
        raise DataError(
            str(error).strip().splitlines()[-1].removeprefix(f"{DataError.__module__}.DataError: ")
        ) from error
