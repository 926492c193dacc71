"""Scratches along the film, among all its other faults, which stay: other networks take those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.film_mixtures import sample_film, sample_kind
from vsrestore.damage.scratches import Scratches
from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe
from vsrestore.training.task import Frames, Sample, known_cases
from vsrestore.training.tasks.film import FRAME_WIDTHS, denser
from vsrestore.training.uprights import draw_uprights

KIND = "scratches"
SHOWS = 0.05
MARKED = 0.06  # change of brightness that counts as fully scratched
TRIES = 6
MEASURED = {f"mixture {seed}": (seed, sample_kind(KIND, seed)) for seed in (1, 2, 3)}


class ScratchTask:
    """Take off the scratches and nothing else."""

    heads = ("unscratched",)
    flips = (-1, -2, 0)

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Scratch frames that may be damaged otherwise too, or leave them as they are."""
        if rng.random() < data.gray:
            clean = augment.gray(clean)
        if rng.random() < data.uprights:
            clean = draw_uprights(clean, rng)
        if rng.random() < data.undamaged:
            return Sample(clean, (clean,), np.zeros_like(clean[..., :1]))
        seen, target = _visibly_scratched(clean, data, rng)
        marks = np.clip(np.abs(seen - target).max(-1, keepdims=True) / MARKED, 0, 1)
        if rng.random() < data.blurred:
            sigma = float(rng.uniform(0.3, 0.8))
            seen, target = augment.blur(seen, sigma), augment.blur(target, sigma)
        return Sample(augment.in_codes(seen), (target,), marks.astype(np.float32))

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Three mixtures of scratches alone, and no damage."""
        return known_cases(MEASURED, _by_seed, len(self.heads))


def _by_seed(frames: Frames, seed: int, film: FilmDamage) -> Sample:
    done = damage_film(frames, 0, seed, film)
    return Sample(augment.in_codes(done.damaged), (done.grained,))


def _visibly_scratched(clean: Frames, data: DataRecipe, rng: np.random.Generator) -> tuple[Frames, Frames]:
    """Scratch frames until it shows, if it does soon: in a crop of a frame there is often nothing of its scratches."""
    for _ in range(TRIES):
        dense, alone = bool(rng.random() < data.dense), bool(rng.random() < data.alone)
        seen, target = _scratched(clean, rng, dense=dense, alone=alone)
        if np.abs(seen - target).max() > SHOWS:
            break
    return seen, target


def _scratched(clean: Frames, rng: np.random.Generator, *, dense: bool, alone: bool) -> tuple[Frames, Frames]:
    """Return frames with scratches, and the same without."""
    seed, first, width = int(rng.integers(2**40)), int(rng.integers(100_000)), int(rng.uniform(*FRAME_WIDTHS))
    scratches = sample_kind(KIND, seed)
    params = scratches if alone else replace(sample_film(seed), scratches=scratches.scratches)
    if dense:
        params = denser(params)
    done = damage_film(clean, first, seed, params, frame_width=width)
    if alone:
        return done.damaged, done.grained
    others = replace(params, scratches=Scratches())
    return done.damaged, damage_film(clean, first, seed, others, frame_width=width).damaged
