"""One kind of marks, scratches or cue marks, among all other faults of film, which stay: other networks take those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.film_mixtures import sample_film, sample_kind
from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe
from vsrestore.training.task import Frames, Sample, known_cases
from vsrestore.training.tasks.film import FRAME_WIDTHS, denser
from vsrestore.training.uprights import draw_uprights

FIELDS = MappingProxyType({"scratches": "scratches", "cue marks": "cue_marks"})
"""What may be asked for, and what it is called among the faults of `FilmDamage`."""
SHOWS = 0.05
MARKED = 0.06  # change of brightness that counts as fully marked
TRIES = 6


@dataclass(frozen=True)
class OneKindTask:
    """Find or take off marks of one kind, one of `FIELDS`, and nothing else."""

    kind: str
    heads: tuple[str, ...] = ("unmarked",)
    flips: tuple[int, ...] = (-1, -2, 0)

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Mark frames that may be damaged otherwise too, or leave them as they are."""
        if rng.random() < data.gray:
            clean = augment.gray(clean)
        if rng.random() < data.uprights:
            clean = draw_uprights(clean, rng)
        if rng.random() < data.undamaged:
            return Sample(clean, (clean,), np.zeros_like(clean[..., :1]))
        seen, target = self._visibly_marked(clean, data, rng)
        marks = np.clip(np.abs(seen - target).max(-1, keepdims=True) / MARKED, 0, 1)
        if rng.random() < data.blurred:
            sigma = float(rng.uniform(0.3, 0.8))
            seen, target = augment.blur(seen, sigma), augment.blur(target, sigma)
        return Sample(augment.in_codes(seen), (target,), marks.astype(np.float32))

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Three mixtures of this kind alone, and no damage."""
        measured = {f"mixture {seed}": (seed, sample_kind(self.kind, seed)) for seed in (1, 2, 3)}
        return known_cases(measured, _by_seed, len(self.heads))

    def _visibly_marked(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> tuple[Frames, Frames]:
        """Mark frames until it shows, if it does soon: in a crop of a frame there is often nothing of its marks."""
        for _ in range(TRIES):
            dense, alone = bool(rng.random() < data.dense), bool(rng.random() < data.alone)
            seen, target = self._marked(clean, rng, dense=dense, alone=alone)
            if np.abs(seen - target).max() > SHOWS:
                break
        return seen, target

    def _marked(self, clean: Frames, rng: np.random.Generator, *, dense: bool, alone: bool) -> tuple[Frames, Frames]:
        """Return frames with marks of the kind, and the same without."""
        seed, first, width = int(rng.integers(2**40)), int(rng.integers(100_000)), int(rng.uniform(*FRAME_WIDTHS))
        params, field = sample_kind(self.kind, seed), FIELDS[self.kind]
        if not alone:
            params = replace(sample_film(seed), **{field: getattr(params, field)})
        if dense:
            params = denser(params)
        done = damage_film(clean, first, seed, params, frame_width=width)
        if alone:
            return done.damaged, done.grained
        others = replace(params, **{field: getattr(FilmDamage(), field)})
        return done.damaged, damage_film(clean, first, seed, others, frame_width=width).damaged


def _by_seed(frames: Frames, seed: int, film: FilmDamage) -> Sample:
    done = damage_film(frames, 0, seed, film)
    return Sample(augment.in_codes(done.damaged), (done.grained,))
