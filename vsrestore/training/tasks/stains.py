"""Stains that one can see through, on pictures that are reduced already: shadows and lights that move must stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from vsrestore.damage.blotches import lay_blotches, lay_mould
from vsrestore.damage.canvas import Canvas, View, view_of
from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.film_mixtures import sample_film, sample_kind
from vsrestore.damage.fingerprints import lay_fingerprints
from vsrestore.damage.noise import between
from vsrestore.damage.stains import Stains, lay_stains
from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe
from vsrestore.training.task import Frames, Sample, known_cases
from vsrestore.training.tasks.film import denser
from vsrestore.training.uprights import draw_uprights

LAYS: MappingProxyType[str, Callable[..., None]] = MappingProxyType(
    {"mould": lay_mould, "stains": lay_stains, "fingerprints": lay_fingerprints, "blotches": lay_blotches}
)
"""What lays each of the faults of `FilmDamage` that are taken off."""
NONE = FilmDamage()
FRAME_WIDTHS = (200, 420)  # px: the whole frame, reduced, that a crop stands for
STILL = 0.45  # share of the samples whose stains stay where they are and as they are
SHADOWS, FASTEST = 0.35, 10.0  # share with shadows and lights that move, and their speed in px from frame to frame
BODIES = 0.3  # share with large things that pass quickly
FLICKERS, BRIGHTER = 0.3, 0.06  # share whose frames differ in brightness, and by how much at most, about
SHOWS = 0.015  # mean change of the middle frame
TRIES = 10
MEASURED = (1, 2, 3)


class StainsTask:
    """Take off stains, blotches, mould and fingerprints, and nothing else."""

    heads = ("unstained",)
    flips = (-1, -2, 0)

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Stain frames that may be damaged otherwise too, or leave them as they are."""
        target = _scene(clean, data, rng)
        if rng.random() < data.undamaged:
            return Sample(target, (target,))
        if rng.random() >= data.alone:
            target = _otherwise_damaged(target, rng)
        stained = _stained(target, data, rng)
        if rng.random() < data.blurred:
            sigma = float(rng.uniform(0.3, 0.8))
            stained, target = augment.blur(stained, sigma), augment.blur(target, sigma)
        return Sample(stained, (target,))

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Three mixtures of stains, the same staying where they are, and no damage."""
        changing = {f"stains {seed}": (seed, denser(sample_kind("stains", seed))) for seed in MEASURED}
        still = {f"still {seed}": (-seed, denser(sample_kind("stains", seed))) for seed in MEASURED}
        return known_cases(changing | still, _by_seed, len(self.heads))


def _by_seed(frames: Frames, seed: int, film: FilmDamage) -> Sample:
    """Lay stains by a seed; a negative one makes them stay as they are."""
    numbers = [6] * len(frames) if seed < 0 else range(len(frames))
    return Sample(_laid(frames, numbers, seed, film, None), (frames,))


def _scene(frames: Frames, data: DataRecipe, rng: np.random.Generator) -> Frames:
    """Return clean frames with what is to stay: uprights, quick bodies, moving shadows and lights, other brightness."""
    if rng.random() < data.gray:
        frames = augment.gray(frames)
    if rng.random() < data.uprights:
        frames = draw_uprights(frames, rng)
    if rng.random() < BODIES:
        frames = augment.pass_bodies(frames, rng)
    if rng.random() < SHADOWS:
        frames = _shaded(frames, rng)
    if rng.random() < FLICKERS:
        gains = 1 + between(rng, 0.05, 1) * BRIGHTER * rng.standard_normal((len(frames), 1, 1, 1))
        frames = np.clip(frames * gains.astype(np.float32), 0, 1)
    return frames


def _shaded(frames: Frames, rng: np.random.Generator) -> Frames:
    """Draw shadows and lights that move steadily over the picture."""
    count, height, width = frames.shape[:3]
    whole = int(rng.uniform(*FRAME_WIDTHS))
    tall, wide = max(height, round(0.75 * whole)), max(width, whole)
    shadows = Stains(
        rate=between(rng, 0.2, 1.5),
        size=(30.0, 250.0),
        softness=(0.04, 1.3),
        opacity=between(rng, 0.1, 0.7),
        bright=float(rng.random()),
        milky=float(rng.random()),
        rim=0.0,
        drops=0.2,
        lasting=1.0,
    )
    seed, angle, speed = int(rng.integers(2**40)), rng.uniform(0, 2 * np.pi), between(rng, 0.6, FASTEST)
    top, left = rng.uniform(0, tall - height + 1), rng.uniform(0, wide - width + 1)
    frames = frames.copy()
    for age, frame in enumerate(frames):
        down, across = speed * (age - count / 2) * np.sin(angle), speed * (age - count / 2) * np.cos(angle)
        view = View(height, width, round(top + down), round(left + across), tall, wide)
        lay_stains(Canvas(frame, np.zeros(frame.shape[:2], np.float32), view), seed, 0, shadows)
    return np.clip(frames, 0, 1)


def _otherwise_damaged(frames: Frames, rng: np.random.Generator) -> Frames:
    """Return frames with all faults of film but stains."""
    seed, first, width = int(rng.integers(2**40)), int(rng.integers(100_000)), int(rng.uniform(*FRAME_WIDTHS))
    others = replace(sample_film(seed), **{name: getattr(NONE, name) for name in LAYS})
    return damage_film(frames, first, seed, others, frame_width=width).damaged


def _stained(clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Frames:
    """Return frames with stains that show, if they do soon: in a crop of a frame there is often nothing of them."""
    still, dense, middle = bool(rng.random() < STILL), bool(rng.random() < data.dense), len(clean) // 2
    for _ in range(TRIES):
        seed, first, width = int(rng.integers(2**40)), int(rng.integers(100_000)), int(rng.uniform(*FRAME_WIDTHS))
        params = sample_kind("stains", seed)
        params = denser(params) if dense else params
        one = clean[middle : middle + 1]
        if np.abs(_laid(one, [first], seed, params, width) - one).mean() > SHOWS:
            break
    numbers = [first + (0 if still else number - middle) for number in range(len(clean))]
    return _laid(clean, numbers, seed, params, width)


def _laid(frames: Frames, numbers: Sequence[int], seed: int, params: FilmDamage, width: int | None) -> Frames:
    """Lay stains on frames as they are on those of the film with these numbers."""
    frames = frames.copy()
    view = view_of(frames.shape[1], frames.shape[2], width, seed)
    mask = np.zeros(frames.shape[1:3], np.float32)
    for frame, number in zip(frames, numbers, strict=True):
        for name, lay in LAYS.items():
            if getattr(params, name) != getattr(NONE, name):
                lay(Canvas(frame, mask, view), seed, number, getattr(params, name))
    return np.clip(frames, 0, 1)
