"""What `film` and `tape` gain by kind of damage: our own, on which they are trained, and that of another generator."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
import vapoursynth as vs

import vsrestore
from vsrestore.comparison.measures import LUMA, psnr
from vsrestore.damage import film_mixtures, tape_mixtures
from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.tape import damage_tape
from vsrestore.runtime.descriptor import Precision

from .material import clip_of, find_clips, frames_of, read_frames
from .other_damage import film as other_film
from .other_damage import tape as other_tape
from .report import Report, Requirement
from .rows import in_place
from .verticals import clips as verticals

OURS, OTHERS = "ours", "other hands"
TOGETHER, UNDAMAGED = "all together", "clean"
SEEN = 45.0
"""dB: damage that leaves a clip above this hardly shows, and the next seed is taken."""
CLEAN = 45.0
"""dB that an undamaged clip must come back with."""
FILM_LEAST = {
    (OURS, "scratches"): 6.0,
    (OTHERS, "scratches"): 4.0,
    (OURS, "cue marks"): 6.0,
    (OTHERS, "cue marks"): 6.0,
    (OURS, "stains"): 3.0,
    (OTHERS, "stains"): 3.0,
    (OTHERS, TOGETHER): 4.0,
}
"""dB that `film` must gain on average, by generator and kind."""
WORST_TOGETHER, TAPE_LEAST, CHROMA_MOST = 2.5, 3.0, 1 / 3
SIMULATED, TRUTH = "d18_vhs_simulated.mp4", "d18_vhs_gt.mp4"

Frames = np.ndarray
"""(T, H, W, 3) float32 RGB in [0, 1]."""
Restore = Callable[[vs.VideoNode], vs.VideoNode]
Damage = Callable[[Frames, int], tuple[Frames, Frames, bool]]
"""From frames and a seed: the damaged frames, the truth, and whether grain was laid on as well."""


@dataclass(frozen=True)
class Settings:
    """What is damaged and restored, and how."""

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
    grained: bool = False


class Gain(NamedTuple):
    """dB before and after, over all frames of a clip."""

    case: Case
    before: float
    after: float

    @property
    def gain(self) -> float:
        """dB more than before."""
        return self.after - self.before


def film_kinds(settings: Settings) -> list[Report]:
    """Measure `film` on every clip under every kind of damage, and on clean clips."""
    model = settings.model or "film"

    def restored(clip: vs.VideoNode, grain: float) -> vs.VideoNode:
        return vsrestore.film(clip, grain=grain, model=model, precision=settings.precision)

    gains = []
    for case in _cases(settings, FILM):
        gains.append(_gain(case, _through(case.damaged, partial(restored, grain=1.0 if case.grained else 0.0))))
    reports = [_by_kind("film-kinds", gains, settings, _film_requirements(gains))] if gains else []
    if settings.asks_for(UNDAMAGED):
        reports.append(_clean("film-kinds-clean", partial(restored, grain=0.0), settings))
    return reports


def tape_kinds(settings: Settings) -> list[Report]:
    """Measure `tape` on every clip under every kind of damage, and on the simulated tape among the clips."""
    restore = partial(vsrestore.tape, model=settings.model or "tape", precision=settings.precision)
    rows: list[Gain] = []
    chroma: dict[tuple[str, str], list[float]] = {}
    aligned: dict[tuple[str, str], list[float]] = {}
    for case in itertools.chain(_cases(settings, TAPE), _simulated(settings)):
        after = _through(case.damaged, restore)
        key = case.generator, case.kind
        rows.append(_gain(case, after))
        moved = [in_place(part, case.truth) for part in (case.damaged, after)]
        aligned.setdefault(key, []).append(_db(moved[1], case.truth) - _db(moved[0], case.truth))
        chroma.setdefault(key, []).append(_chroma(moved[1], case.truth) / _chroma(moved[0], case.truth))
    more = {key: (fmean(aligned[key]), fmean(chroma[key])) for key in aligned}
    requirements = [
        requirement
        for key, (gain, error) in more.items()
        if key[1] == TOGETHER and key[0] != OURS
        for requirement in (
            Requirement(f"{key[0]}, rows in place, dB", gain, least=TAPE_LEAST),
            Requirement(f"{key[0]}, chroma error after over before", error, most=CHROMA_MOST),
        )
    ]
    columns = ("gain, rows in place", "chroma error left")
    return [_by_kind("tape-kinds", rows, settings, requirements, columns, more)]


def _cases(settings: Settings, generators: Mapping[str, Mapping[str, Damage]]) -> Iterator[Case]:
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
) -> tuple[Frames, Frames, bool]:
    return lay(frames, np.random.default_rng(seed)), frames, False


def _our_film(kind: str, frames: Frames, seed: int) -> tuple[Frames, Frames, bool]:
    params = film_mixtures.sample_kind(kind, seed) if kind != TOGETHER else _marks_of(film_mixtures.sample_film(seed))
    done = damage_film(frames, 0, seed, params)
    return done.damaged, done.clean, params.grain.amount > 0


def _marks_of(params: FilmDamage) -> FilmDamage:
    """Return a mixture without what the film itself does, which is no mark: grain alone outweighs all of them."""
    film = FilmDamage()
    return replace(
        params, grain=film.grain, fading=film.fading, weave=film.weave, flicker=film.flicker, softness=params.softness
    )


def _our_tape(kind: str, frames: Frames, seed: int) -> tuple[Frames, Frames, bool]:
    params = tape_mixtures.sample_kind(kind, seed) if kind != TOGETHER else tape_mixtures.sample_tape(seed)
    return damage_tape(frames, 0, seed, params).damaged, frames, False


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
        damaged, truth, grained = damage(frames, seed)
        if _db(damaged, truth) < SEEN:
            return Case(generator, kind, clip, damaged, truth, grained)
    raise AssertionError("seeds have no end")


def _simulated(settings: Settings) -> Iterator[Case]:
    """Yield the simulated tape among the clips, with its truth, whole: its band shows late."""
    paths = [settings.clips / name for name in (SIMULATED, TRUTH)]
    if all(path.exists() for path in paths):
        damaged, truth = (read_frames(path, 20 + settings.frames, settings.width)[20:] for path in paths)
        yield Case("the clip d18", TOGETHER, SIMULATED, damaged, truth)


def _through(frames: Frames, restore: Restore) -> Frames:
    return np.clip(frames_of(restore(clip_of(frames))), 0, 1)


def _db(frames: Frames, truth: Frames) -> float:
    """Return the PSNR over all frames together: frames without damage must not count as infinite."""
    return psnr(float(np.square(frames - truth).mean(dtype=np.float64)))


def _gain(case: Case, after: Frames) -> Gain:
    gain = Gain(case, _db(case.damaged, case.truth), _db(after, case.truth))
    print(f"{case.clip} [{case.generator}: {case.kind}]  {gain.before:.2f} -> {gain.after:.2f}", file=sys.stderr)
    return gain


def _chroma(frames: Frames, truth: Frames) -> float:
    """Return the mean square error of B - Y and R - Y."""
    error = frames - truth
    luma = error @ np.array(LUMA, dtype=np.float32)
    return float(np.square(error[..., [0, 2]] - luma[..., None]).mean(dtype=np.float64)) + 1e-12


def _film_requirements(gains: Sequence[Gain]) -> list[Requirement]:
    requirements = []
    for (generator, kind), least in FILM_LEAST.items():
        reached = [gain.gain for gain in gains if (gain.case.generator, gain.case.kind) == (generator, kind)]
        if reached:
            requirements.append(Requirement(f"{kind}, {generator}, dB gained", fmean(reached), least=least))
            if kind == TOGETHER:
                requirements.append(Requirement(f"{kind}, {generator}, worst", min(reached), least=WORST_TOGETHER))
    return requirements


def _by_kind(
    name: str,
    gains: Sequence[Gain],
    settings: Settings,
    requirements: Sequence[Requirement],
    further: Sequence[str] = (),
    more: Mapping[tuple[str, str], tuple[float, ...]] | None = None,
) -> Report:
    rows: list[tuple[str | float, ...]] = []
    for generator, kind in dict.fromkeys((gain.case.generator, gain.case.kind) for gain in gains):
        mine = [gain for gain in gains if (gain.case.generator, gain.case.kind) == (generator, kind)]
        figures = (fmean(g.before for g in mine), fmean(g.after for g in mine), fmean(g.gain for g in mine))
        rows.append((kind, generator, *figures, min(g.gain for g in mine), *(more or {}).get((generator, kind), ())))
    columns = ("kind", "generator", "damaged", "restored", "gain", "worst gain", *further)
    details = [
        {"clip": g.case.clip, "generator": g.case.generator, "kind": g.case.kind, "before": g.before, "after": g.after}
        for g in gains
    ]
    return Report(
        name, columns, sorted(rows, key=lambda row: (str(row[0]), str(row[1]))), requirements, settings.plain(), details
    )


def _clean(name: str, restore: Restore, settings: Settings) -> Report:
    """Return how clean clips come back: real ones, and fences, masts and text."""
    paths = find_clips(settings.clips, settings.clean)
    clean = {path.stem: partial(read_frames, path, settings.frames, settings.width) for path in paths}
    rows: list[tuple[str, float]] = []
    for label, frames in itertools.chain(
        ((label, read()) for label, read in clean.items()), verticals(settings.frames).items()
    ):
        rows.append((label, _db(_through(frames, restore), frames)))
        print(f"{label} [clean]  {rows[-1][1]:.2f}", file=sys.stderr)
    lowest = Requirement("lowest PSNR of a clean clip, dB", min(value for _, value in rows), least=CLEAN)
    return Report(name, ("clip", "PSNR"), rows, [lowest], settings.plain())
