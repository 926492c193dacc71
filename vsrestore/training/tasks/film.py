"""Film: dirt, hairs, scratches, blotches, marks, bars, and grain, which a head of its own removes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from vsrestore.damage.film import KINDS, PRESETS, Damaged, FilmDamage, damage_film
from vsrestore.damage.film_mixtures import ALONE, sample_film, sample_kind
from vsrestore.damage.hairs import Hairs
from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe
from vsrestore.training.task import Frames, Sample, known_cases
from vsrestore.training.uprights import draw_uprights

FRAME_WIDTHS = (480, 960)  # px: the whole frame that a crop stands for, which sets the size of the damage
DENSER = 4.0
MEASURED = {
    "light": (1, PRESETS["film-light"]),
    "heavy": (2, PRESETS["film-heavy"]),
    "mixture 3": (3, sample_film(3)),
}


class FilmTask:
    """Remove the damage and keep the grain (first head), or remove both (last head)."""

    heads = ("grained", "clean")
    flips = (-1, -2, 0)

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Damage frames with a random mixture of film's faults, or leave them as they are."""
        if data.uprights and rng.random() < data.uprights:
            clean = draw_uprights(clean, rng)
        if rng.random() < data.undamaged:
            if rng.random() < data.gray:
                clean = augment.gray(clean)
            return Sample(clean, (clean, clean), np.zeros((*clean.shape[:3], len(KINDS)), dtype=np.float32))
        dense, alone = bool(rng.random() < data.dense), bool(rng.random() < data.alone)
        done = _at_random(clean, rng, dense=dense, alone=alone)
        seen, targets = done.damaged, [done.grained, done.clean]
        if rng.random() < data.blurred:
            sigma = float(rng.uniform(0.3, 0.8))
            seen, *targets = (augment.blur(part, sigma) for part in (seen, *targets))
        if rng.random() < data.compressed:
            seen = augment.compress(seen, int(rng.integers(70, 96)))
        return Sample(seen, tuple(targets), done.kinds)

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Both presets, a random mixture, and no damage."""
        return film_cases(MEASURED)


def film_cases(damage: Mapping[str, tuple[int, FilmDamage]]) -> dict[str, Callable[[Frames], Sample]]:
    """Return measures of film damage, see ``known_cases``."""
    return known_cases(damage, _by_seed, len(FilmTask.heads))


def _by_seed(frames: Frames, seed: int, film: FilmDamage) -> Sample:
    done = damage_film(frames, 0, seed, film)
    return Sample(augment.in_codes(done.damaged), (done.grained, done.clean), done.kinds)


def _at_random(frames: Frames, rng: np.random.Generator, *, dense: bool, alone: bool) -> Damaged:
    seed = int(rng.integers(2**40))
    params = sample_kind(list(ALONE)[seed % len(ALONE)], seed) if alone else sample_film(seed)
    if dense or alone:
        params = denser(params)
    first, width = int(rng.integers(100_000)), int(rng.uniform(*FRAME_WIDTHS))
    return damage_film(frames, first, seed, params, frame_width=width)


def denser(params: FilmDamage) -> FilmDamage:
    """Lay several times as many marks: a crop is small, and the network learns from where they are."""
    return replace(
        params,
        dirt=replace(params.dirt, rate=params.dirt.rate * DENSER),
        hairs=_denser_hairs(params.hairs),
        scratches=replace(params.scratches, count=params.scratches.count * DENSER * 0.75),
        blotches=replace(params.blotches, rate=params.blotches.rate * DENSER),
        cue_marks=replace(params.cue_marks, rate=params.cue_marks.rate * DENSER),
        stains=replace(params.stains, rate=params.stains.rate * DENSER / 2),
    )


def _denser_hairs(hairs: Hairs) -> Hairs:
    """Hairs in the gate are seldom and at the edges of the frame, so that a crop would hardly ever have one."""
    return replace(hairs, loose=hairs.loose * DENSER, lint=hairs.lint * DENSER, gate=hairs.gate * DENSER * 2)
