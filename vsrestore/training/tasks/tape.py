"""Tape: noise, smeared and shifted chroma, ringing, drop-outs, lines out of place, lost bands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from vsrestore.damage.fields import Interlacing
from vsrestore.damage.tape import PRESETS, TapeDamage, damage_tape
from vsrestore.damage.tape_mixtures import ALONE, sample_kind, sample_tape
from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe
from vsrestore.training.task import Frames, Sample, known_cases

FRAME_WIDTHS = (480, 800)  # px: the whole frame that a crop stands for, which sets the size of the damage
DENSER = 3.0
PRESET_SHARE = 0.3  # of the samples have a preset's damage, the others a random mixture
ROWS = (1, 1, 2, 3)  # of a line that drops out, one as likely as another: deinterlacers make rows from it
BANDED, MOST_BANDS = 0.3, 3  # share with bands of mistracking, and how many: a crop is small
FINE_JITTER = 0.5  # px
MEASURED = {"vhs": (1, PRESETS["vhs"]), "hi8": (2, PRESETS["hi8"]), "mixture 3": (3, sample_tape(3))}


class TapeTask:
    """Undo what a tape and its player do to a deinterlaced picture."""

    heads = ("clean",)
    flips = (0,)  # chroma is late, heads switch at the bottom

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Damage frames with a preset or a random mixture of the faults of tape, or leave them as they are."""
        if rng.random() < data.gray:
            clean = augment.gray(clean)
        if rng.random() < data.undamaged:
            return Sample(clean, (clean,))
        seed = int(rng.integers(2**40))
        params = sample_tape(seed) if rng.random() > PRESET_SHARE else PRESETS[("vhs", "hi8")[rng.integers(2)]]
        if rng.random() < data.alone:
            params = sample_kind(list(ALONE)[seed % len(ALONE)], seed)
        if rng.random() < BANDED:
            bands = sample_kind("tracking band", seed).mistracking
            params = replace(params, mistracking=replace(bands, bands=MOST_BANDS))
        if rng.random() < data.dense:
            params = replace(params, dropouts=replace(params.dropouts, rate=params.dropouts.rate * DENSER))
        params = replace(params, dropouts=replace(params.dropouts, rows=int(rng.choice(ROWS))))
        first, width = int(rng.integers(100_000)), int(rng.uniform(*FRAME_WIDTHS))
        played = damage_tape(clean, first, seed, progressive(params), frame_width=width).damaged
        target = damage_tape(clean, first, seed, displaced(params), frame_width=width).damaged
        if rng.random() < data.compressed:
            played = augment.compress(played, int(rng.integers(80, 97)))
        return Sample(played, (target,))

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Both presets, a random mixture, and no damage."""
        return tape_cases(MEASURED)


def tape_cases(damage: Mapping[str, tuple[int, TapeDamage]]) -> dict[str, Callable[[Frames], Sample]]:
    """Return measures of tape damage, see ``known_cases``."""
    return known_cases(damage, _by_seed, len(TapeTask.heads))


def _by_seed(frames: Frames, seed: int, tape: TapeDamage) -> Sample:
    return Sample(augment.in_codes(damage_tape(frames, 0, seed, progressive(tape)).damaged), (frames,))


def displaced(params: TapeDamage) -> TapeDamage:
    """Return what of the damage stays in the target: lines that stand where a network cannot know that they do not.

    To move them is for ``lines_in_place``; a network that is asked to do so learns to blur. Fine jitter is asked for.
    """
    fine = params.time_base.jitter <= FINE_JITTER
    return TapeDamage(
        time_base=replace(params.time_base, jitter=0.0) if fine else params.time_base,
        mistracking=replace(params.mistracking, strength=0.0),
        head_switching=replace(params.head_switching, snow=0.0, blank=0),
    )


def progressive(params: TapeDamage) -> TapeDamage:
    """Return the damage without interlacing, which a deinterlacer undoes before."""
    return replace(params, interlacing=Interlacing())
