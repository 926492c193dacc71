"""How well ``lines_in_place`` undoes our own time-base faults on clean clips, and what it does to them without any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import vapoursynth as vs

import vsrestore
from vsrestore.damage.sync import TimeBase
from vsrestore.damage.tape import PRESETS, TapeDamage, damage_tape

from .material import clip_of, find_clips, quality, read_frames
from .report import Report, Requirement

SEED = 5
FAULTS = {"vhs": PRESETS["vhs"].time_base, "jitter 1": TimeBase(jitter=1)}
# As the project demands, in dB.
GAIN, UNTOUCHED_PSNR = 3.0, 50.0


def run(clips: Path, patterns: Sequence[str], frames: int, width: int) -> list[Report]:
    """Return the gain on every clip under every fault, in RGB, and the PSNR of undamaged clips."""
    paths = find_clips(clips, patterns)
    if not paths:
        raise SystemExit(f"bench: no video in {clips} fits {' '.join(patterns)}")
    rows: list[tuple[str | float, ...]] = []
    for path in paths:
        clean = read_frames(path, frames, width)
        gains = [_gain(clean, fault) for fault in FAULTS.values()]
        rows.append((path.stem, *gains, _psnr(vsrestore.lines_in_place(clip_of(clean)), clean)))
    means = [fmean(float(row[column]) for row in rows) for column in range(1, len(FAULTS) + 1)]
    lowest = min(float(row[-1]) for row in rows)
    requirements = [
        *(Requirement(f"mean gain, {name}, dB", mean, least=GAIN) for name, mean in zip(FAULTS, means, strict=True)),
        Requirement("lowest PSNR of an undamaged clip, dB", lowest, least=UNTOUCHED_PSNR),
    ]
    columns = ("clip", *(f"gain, {name}" for name in FAULTS), "undamaged, PSNR")
    return [Report("lines", columns, [*rows, ("MEAN", *means, lowest)], requirements)]


def _gain(clean: np.ndarray, fault: TimeBase) -> float:
    damaged = clip_of(damage_tape(clean, 0, SEED, TapeDamage(time_base=fault)).damaged)
    return _psnr(vsrestore.lines_in_place(damaged), clean) - _psnr(damaged, clean)


def _psnr(clip: vs.VideoNode, truth: np.ndarray) -> float:
    return quality(clip, truth).psnr
