"""What `film` and `tape` gain by kind of damage: our own, on which they are trained, and that of another generator."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
import vapoursynth as vs

import vsrestore
from vsrestore.comparison.measures import LUMA

from .damage_cases import (
    FILM,
    OTHERS,
    OURS,
    TAPE,
    TOGETHER,
    UNDAMAGED,
    Case,
    Frames,
    Settings,
    cases,
    decibels,
    simulated,
)
from .material import clip_of, find_clips, frames_of, read_frames
from .report import Report, Requirement
from .rows import in_place
from .verticals import clips as verticals

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

Restore = Callable[[vs.VideoNode], vs.VideoNode]


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
    first: dict[str, Any] = dict.fromkeys(settings.first, True)
    restore = partial(vsrestore.film, grain=0.0, model=settings.model or "film", precision=settings.precision, **first)
    gains = []
    for case in cases(settings, FILM):
        gains.append(_gain(case, _through(case.damaged, restore)))
    reports = [_by_kind("film-kinds", gains, settings, _film_requirements(gains))] if gains else []
    if settings.asks_for(UNDAMAGED):
        reports.append(_clean("film-kinds-clean", restore, settings))
    return reports


def tape_kinds(settings: Settings) -> list[Report]:
    """Measure `tape` on every clip under every kind of damage, and on the simulated tape among the clips."""
    restore = partial(vsrestore.tape, model=settings.model or "tape", precision=settings.precision)
    rows: list[Gain] = []
    chroma: dict[tuple[str, str], list[float]] = {}
    aligned: dict[tuple[str, str], list[float]] = {}
    for case in itertools.chain(cases(settings, TAPE), simulated(settings)):
        after = _through(case.damaged, restore)
        key = case.generator, case.kind
        rows.append(_gain(case, after))
        moved = [in_place(part, case.truth) for part in (case.damaged, after)]
        aligned.setdefault(key, []).append(decibels(moved[1], case.truth) - decibels(moved[0], case.truth))
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


def _through(frames: Frames, restore: Restore) -> Frames:
    return np.clip(frames_of(restore(clip_of(frames))), 0, 1)


def _gain(case: Case, after: Frames) -> Gain:
    gain = Gain(case, decibels(case.damaged, case.truth), decibels(after, case.truth))
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
        rows.append((label, decibels(_through(frames, restore), frames)))
        print(f"{label} [clean]  {rows[-1][1]:.2f}", file=sys.stderr)
    lowest = Requirement("lowest PSNR of a clean clip, dB", min(value for _, value in rows), least=CLEAN)
    return Report(name, ("clip", "PSNR"), rows, [lowest], settings.plain())
