"""How well ``film`` takes our own damage off clean clips, beside the best classical chains."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import vapoursynth as vs

import vsrestore
from vsrestore.runtime.descriptor import Precision

from .chains import CHAINS, Chain
from .material import Quality, Trial, clip_of, find_clips, quality, read_frames, trial
from .report import Report, Requirement

Restore = Callable[[vs.VideoNode], vs.VideoNode]

DAMAGED, FILM, UNTOUCHED = "damaged", "film", "film, grain=0"
# As the project demands, in dB.
GAIN, LEAD, UNTOUCHED_PSNR = 4.0, 1.5, 40.0


@dataclass(frozen=True)
class Settings:
    """What is restored and by what."""

    clips: Path
    patterns: Sequence[str] = ("*",)
    damages: Sequence[str] = ("film-light", "film-heavy", "2", "3", "4", "11")
    frames: int = 12
    width: int = 640
    chains: Sequence[str] = tuple(CHAINS)
    model: str | None = "film"
    precision: Precision = "float32"


@dataclass(frozen=True)
class Result:
    """One clip under one damage: the quality by method."""

    clip: str
    damage: str
    by: dict[str, Quality]

    def best(self, chains: Sequence[str]) -> str:
        """Return the chain that suits this clip best."""
        return max(chains, key=lambda name: self.by[name].psnr)


def run(settings: Settings) -> list[Report]:
    """Restore every clip under every damage by every method, and with ``film`` also undamaged."""
    paths = find_clips(settings.clips, settings.patterns)
    if not paths:
        raise SystemExit(f"bench: no video in {settings.clips} fits {' '.join(settings.patterns)}")
    for unknown in (name for name in settings.chains if name not in CHAINS):
        raise SystemExit(f"bench: no chain is called {unknown!r}; there are: {'; '.join(CHAINS)}")
    restored, untouched = [], []
    for path in paths:
        frames = read_frames(path, settings.frames, settings.width)
        for damage in settings.damages:
            restored.append(_restored(trial(path, frames, damage), settings))
        if settings.model is not None:
            found = quality(_film(settings, 0.0)(clip_of(frames)), frames)
            untouched.append(Result(path.stem, "none", {UNTOUCHED: found}))
    reports = [_by_method(restored, settings), _by_clip(restored, settings)]
    return reports if settings.model is None else [*reports, _untouched(untouched)]


def _restored(trial: Trial, settings: Settings) -> Result:
    methods: dict[str, Restore] = {DAMAGED: lambda clip: clip}
    methods |= {name: _in_yuv(CHAINS[name]) for name in settings.chains}
    if settings.model is not None:
        methods[FILM] = _film(settings, 1.0)
    result = Result(trial.clip, trial.damage, {})
    for name, restore in methods.items():
        result.by[name] = quality(restore(trial.damaged), trial.clean)
    figures = "  ".join(f"{name} {found.psnr:.2f}" for name, found in result.by.items())
    print(f"{result.clip} [{result.damage}]  {figures}", file=sys.stderr)
    return result


def _film(settings: Settings, grain: float) -> Restore:
    model = settings.model
    assert model is not None
    return lambda clip: vsrestore.film(clip, grain=grain, model=model, precision=settings.precision)


def _in_yuv(chain: Chain) -> Restore:
    def restore(clip: vs.VideoNode) -> vs.VideoNode:
        planes = clip.resize.Bicubic(format=vs.YUV444P16, matrix=vs.MATRIX_BT709)
        return chain(planes).resize.Bicubic(format=vs.RGBS)

    return restore


def _by_method(results: Sequence[Result], settings: Settings) -> Report:
    """Return the means over all clips, and what ``film`` must reach beside the best chain on average."""
    psnr = {name: fmean(result.by[name].psnr for result in results) for name in results[0].by}
    ssim = {name: fmean(result.by[name].ssim for result in results) for name in results[0].by}
    worst = {name: min(result.by[name].psnr - result.by[DAMAGED].psnr for result in results) for name in psnr}
    rows = [(name, psnr[name], ssim[name], psnr[name] - psnr[DAMAGED], worst[name]) for name in psnr]
    requirements = []
    if FILM in psnr:
        yardstick = max(settings.chains, key=psnr.__getitem__)
        requirements = [
            Requirement("film over damaged, dB", psnr[FILM] - psnr[DAMAGED], least=GAIN),
            Requirement(f"film over the best chain ({yardstick}), dB", psnr[FILM] - psnr[yardstick], least=LEAD),
        ]
    columns = ("method", "PSNR", "SSIM", "gain", "worst gain")
    return Report("film-quality", columns, rows, requirements, _plain(settings))


def _by_clip(results: Sequence[Result], settings: Settings) -> Report:
    """Return, clip by clip, the chain that suits it best beside ``film``; the JSON file has every chain."""
    film = (FILM,) if settings.model is not None else ()
    columns = ("clip", "damage", DAMAGED, "best chain here", "its PSNR", *film)
    rows: list[tuple[str | float, ...]] = []
    for result in results:
        best = result.best(settings.chains)
        found = (result.by[name].psnr for name in (best, *film))
        rows.append((result.clip, result.damage, result.by[DAMAGED].psnr, best, *found))
    means = [fmean(float(row[column]) for row in rows) for column in (2, 4, *((5,) if film else ()))]
    rows.append(("MEAN", "", means[0], "", *means[1:]))
    details = [{"clip": r.clip, "damage": r.damage, **{k: v._asdict() for k, v in r.by.items()}} for r in results]
    return Report("film-quality-by-clip", columns, rows, settings=_plain(settings), details=details)


def _untouched(results: Sequence[Result]) -> Report:
    rows = [(result.clip, *result.by[UNTOUCHED]) for result in results]
    lowest = min(psnr for _, psnr, _ in rows)
    requirement = Requirement("lowest PSNR of an undamaged clip, grain left, dB", lowest, least=UNTOUCHED_PSNR)
    return Report("film-quality-undamaged", ("clip", "PSNR", "SSIM"), rows, [requirement])


def _plain(settings: Settings) -> dict[str, object]:
    return {**asdict(settings), "clips": str(settings.clips)}
