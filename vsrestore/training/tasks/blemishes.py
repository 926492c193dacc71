"""Stains and cue marks on film: the former taken off, the latter found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from vsrestore.damage.cue_marks import CueMarks
from vsrestore.damage.film import KINDS, Damaged, FilmDamage, damage_film
from vsrestore.damage.film_mixtures import sample_film, sample_kind
from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe
from vsrestore.training.task import Frames, Sample, known_cases
from vsrestore.training.tasks.film import FRAME_WIDTHS, denser

STAINS, CUES = "stains", "cue marks"
SHOWS = 0.1  # opacity of a mark that counts
TRIES = 5
OFTEN = 0.3  # cue marks that begin per frame, in measures
MEASURED = {
    **{f"{STAINS} {seed}": (seed, sample_kind(STAINS, seed)) for seed in (1, 2)},
    CUES: (3, FilmDamage(cue_marks=CueMarks(rate=OFTEN, anywhere=True))),
}


class BlemishTask:
    """Take off the stains, and find the cue marks."""

    heads = ("unstained", "cue marks")
    flips = (-1, -2, 0)

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Stain and mark frames that may be damaged otherwise too, or leave them as they are."""
        if rng.random() < data.gray:
            clean = augment.gray(clean)
        if rng.random() < data.undamaged:
            return Sample(clean, (clean, np.zeros_like(clean)))
        return _sample(_visibly_damaged(clean, data, rng))

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Two mixtures of stains, cue marks, and no damage."""
        return {**known_cases(MEASURED, _by_seed, 1), "undamaged": _undamaged}


def _visibly_damaged(clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Damaged:
    """Damage frames until stains or cue marks show, if they do soon: a crop of a frame often has none."""
    for _ in range(TRIES):
        done = _damaged(clean, data, rng)
        if max(done.kinds[..., KINDS.index(kind)].max() for kind in (STAINS, CUES)) > SHOWS:
            break
    return done


def _damaged(clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Damaged:
    seed, first, width = int(rng.integers(2**40)), int(rng.integers(100_000)), int(rng.uniform(*FRAME_WIDTHS))
    stains, cues = sample_kind(STAINS, seed), sample_kind(CUES, seed)
    chosen = int(rng.integers(3))
    params = stains if chosen == 0 else cues if chosen == 1 else replace(stains, cue_marks=cues.cue_marks)
    if rng.random() >= data.alone:
        params = replace(sample_film(seed), stains=params.stains, cue_marks=params.cue_marks)
    if rng.random() < data.dense:
        params = denser(params)
    return damage_film(clean, first, seed, params, frame_width=width)


def _undamaged(frames: Frames) -> Sample:
    return Sample(frames, (frames, np.zeros_like(frames)))


def _by_seed(frames: Frames, seed: int, film: FilmDamage) -> Sample:
    return _sample(damage_film(frames, 0, seed, film))


def _sample(done: Damaged) -> Sample:
    marks = done.kinds[..., KINDS.index(CUES), None]
    return Sample(augment.in_codes(done.damaged), (done.grained, np.repeat(marks, 3, axis=-1)))
