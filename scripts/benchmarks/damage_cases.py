"""Clips under one kind of damage each: by our own generator, by another, and a simulated tape with its truth."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vsrestore.comparison.measures import psnr
from vsrestore.damage import film_mixtures, tape_mixtures
from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.tape import damage_tape
from vsrestore.runtime.descriptor import Precision

from .material import find_clips, read_frames
from .other_damage import film as other_film
from .other_damage import tape as other_tape

OURS, OTHERS = "ours", "other hands"
TOGETHER, UNDAMAGED = "all together", "clean"
SEEN = 45.0
"""dB: damage that leaves a clip above this hardly shows, and the next seed is taken."""
SIMULATED, TRUTH = "d18_vhs_simulated.mp4", "d18_vhs_gt.mp4"

Frames = np.ndarray
"""(T, H, W, 3) float32 RGB in [0, 1]."""
Damage = Callable[[Frames, int], tuple[Frames, Frames]]
"""From frames and a seed: the damaged frames, and the truth."""


@dataclass(frozen=True)
class Settings:
    """What is damaged and restored, and how; first: the arguments of `film` that are set, as "scratches"."""

    clips: Path
    patterns: Sequence[str] = ("d01*", "d02*", "d06*", "d08*", "d20_bmx_trees.mp4")
    clean: Sequence[str] = ("d0[1-6]*", "d08*", "d12*", "d16*", "d19*", "d20_bmx_trees.mp4")
    generators: Sequence[str] = (OURS, OTHERS)
    kinds: Sequence[str] = ()
    frames: int = 8
    width: int = 480
    seed: int = 500
    model: str | None = None
    precision: Precision = "float32"
    first: Sequence[str] = ()

    def asks_for(self, kind: str) -> bool:
        """Return whether a kind is to be measured."""
        return not self.kinds or kind in self.kinds

    def plain(self) -> dict[str, object]:
        """Return them as JSON has them."""
        return {**asdict(self), "clips": str(self.clips)}


class Case(NamedTuple):
    """A clip under one kind of damage."""

    generator: str
    kind: str
    clip: str
    damaged: Frames
    truth: Frames


def decibels(frames: Frames, truth: Frames) -> float:
    """Return the PSNR over all frames together: frames without damage must not count as infinite."""
    return psnr(float(np.square(frames - truth).mean(dtype=np.float64)))


def cases(settings: Settings, generators: Mapping[str, Mapping[str, Damage]]) -> Iterator[Case]:
    """Yield every clip under every kind of damage."""
    paths = find_clips(settings.clips, settings.patterns)
    if not paths:
        raise SystemExit(f"bench: no video in {settings.clips} fits {' '.join(settings.patterns)}")
    known = {UNDAMAGED, *(kind for generator in generators.values() for kind in generator)}
    for unknown in (kind for kind in settings.kinds if kind not in known):
        raise SystemExit(f"bench: no kind of damage is called {unknown!r}; there are: {'; '.join(sorted(known))}")
    for unknown in (name for name in settings.generators if name not in generators):
        raise SystemExit(f"bench: no generator is called {unknown!r}; there are: {'; '.join(generators)}")
    for number, path in enumerate(paths):
        frames = read_frames(path, settings.frames, settings.width)
        for generator in settings.generators:
            for kind, damage in generators[generator].items():
                if settings.asks_for(kind):
                    yield _case(generator, kind, path.stem, frames, damage, settings.seed + 1000 * number)


def _by_others(
    lay: Callable[[Frames, np.random.Generator], Frames], frames: Frames, seed: int
) -> tuple[Frames, Frames]:
    return lay(frames, np.random.default_rng(seed)), frames


def _our_film(kind: str, frames: Frames, seed: int) -> tuple[Frames, Frames]:
    params = film_mixtures.sample_kind(kind, seed) if kind != TOGETHER else _marks_of(film_mixtures.sample_film(seed))
    done = damage_film(frames, 0, seed, params)
    return done.damaged, done.clean


def _marks_of(params: FilmDamage) -> FilmDamage:
    """Return a mixture without what the film itself does, which is no mark: grain alone outweighs all of them."""
    film = FilmDamage()
    return replace(
        params, grain=film.grain, fading=film.fading, weave=film.weave, flicker=film.flicker, softness=params.softness
    )


def _our_tape(kind: str, frames: Frames, seed: int) -> tuple[Frames, Frames]:
    params = tape_mixtures.sample_kind(kind, seed) if kind != TOGETHER else tape_mixtures.sample_tape(seed)
    return damage_tape(frames, 0, seed, params).damaged, frames


FILM: dict[str, dict[str, Damage]] = {
    OURS: {kind: partial(_our_film, kind) for kind in (*film_mixtures.ALONE, TOGETHER)},
    OTHERS: {kind: partial(_by_others, lay) for kind, lay in other_film.KINDS.items()},
}
TAPE: dict[str, dict[str, Damage]] = {
    OURS: {kind: partial(_our_tape, kind) for kind in (*tape_mixtures.ALONE, TOGETHER)},
    OTHERS: {kind: partial(_by_others, lay) for kind, lay in other_tape.KINDS.items()},
}


def _case(generator: str, kind: str, clip: str, frames: Frames, damage: Damage, first: int) -> Case:
    """Damage a clip by the first seed from `first` on whose damage shows."""
    for seed in itertools.count(first):
        damaged, truth = damage(frames, seed)
        if decibels(damaged, truth) < SEEN:
            return Case(generator, kind, clip, damaged, truth)
    raise AssertionError("seeds have no end")


def simulated(settings: Settings) -> Iterator[Case]:
    """Yield the simulated tape among the clips, with its truth, whole: its band shows late."""
    paths = [settings.clips / name for name in (SIMULATED, TRUTH)]
    if all(path.exists() for path in paths):
        damaged, truth = (read_frames(path, 20 + settings.frames, settings.width)[20:] for path in paths)
        yield Case("the clip d18", TOGETHER, SIMULATED, damaged, truth)
