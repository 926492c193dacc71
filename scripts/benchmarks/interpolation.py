"""How near made frames come to true ones: every second frame of clean clips is dropped and made again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import vapoursynth as vs

import vsrestore

from .material import clip_of, find_clips, quality, read_frames
from .report import Cell, Report

Doubled = Callable[[vs.VideoNode], vs.VideoNode]
"""Takes a clip and gives one of twice the rate, frames made between its own."""

AVERAGE, MVTOOLS = "average of both", "mvtools FlowFPS"
# What mvtools' documentation takes for pictures of this size.
BLOCK, OVERLAP = 16, 8


@dataclass(frozen=True)
class Settings:
    """What is made again and by what."""

    clips: Path
    patterns: Sequence[str] = ("*",)
    methods: Sequence[str] = ()
    frames: int = 17
    width: int = 640


def average(clip: vs.VideoNode) -> vs.VideoNode:
    """Make the mean of two frames."""
    following = clip[1:] + clip[-1]
    return vs.core.std.Interleave([clip, vs.core.std.Merge(clip, following)])


def flow_fps(clip: vs.VideoNode) -> vs.VideoNode:
    """Make the frame along mvtools' block motion, as its documentation does."""
    planes = clip.resize.Bicubic(format=vs.YUV444P16, matrix=vs.MATRIX_BT709)
    pyramid = vs.core.mv.Super(planes, pel=2)
    blocks = {"blksize": BLOCK, "overlap": OVERLAP, "search": 3}
    motion = [vs.core.mv.Analyse(pyramid, isb=backward, **blocks) for backward in (True, False)]
    fps = clip.fps * 2
    made = vs.core.mv.FlowFPS(planes, pyramid, *motion, num=fps.numerator, den=fps.denominator)
    return made.resize.Bicubic(format=vs.RGBS)


METHODS: Mapping[str, Doubled] = {
    AVERAGE: average,
    MVTOOLS: flow_fps,
    "interpolate": vsrestore.interpolate,
    "interpolate, bfloat16": lambda clip: vsrestore.interpolate(clip, precision="bfloat16"),
    "rife": vsrestore.rife,
    "rife, refine=False": lambda clip: vsrestore.rife(clip, refine=False),
    "rife, ensemble=True": lambda clip: vsrestore.rife(clip, ensemble=True),
    "rife, bfloat16": lambda clip: vsrestore.rife(clip, precision="bfloat16"),
}


def run(settings: Settings) -> list[Report]:
    """Make the dropped frames of every clip by every method."""
    paths = find_clips(settings.clips, settings.patterns)
    if not paths:
        raise SystemExit(f"bench: no video in {settings.clips} fits {' '.join(settings.patterns)}")
    names = settings.methods or tuple(METHODS)
    for unknown in (name for name in names if name not in METHODS):
        raise SystemExit(f"bench: no method is called {unknown!r}; there are: {'; '.join(METHODS)}")
    found = {path.stem: _of_clip(path, names, settings) for path in paths}
    rows: list[tuple[Cell, ...]] = [(name, *figures) for name, figures in found.items()]
    rows.append(("MEAN", *map(fmean, zip(*found.values(), strict=True))))
    settings_told = {**asdict(settings), "clips": str(settings.clips)}
    return [Report("interpolation", ("clip", *names), rows, settings=settings_told)]


def _of_clip(path: Path, names: Sequence[str], settings: Settings) -> list[float]:
    """Return the mean PSNR of the made frames, by method."""
    frames = read_frames(path, settings.frames, settings.width)
    frames = frames[: len(frames) - 1 + len(frames) % 2]  # every made frame lies between two
    kept, dropped = clip_of(frames[::2]), frames[1::2]
    found = [quality(METHODS[name](kept)[1 : len(frames) : 2], dropped).psnr for name in names]
    figures = "  ".join(f"{name} {value:.2f}" for name, value in zip(names, found, strict=True))
    print(f"{path.stem}  {figures}", file=sys.stderr)
    return found
