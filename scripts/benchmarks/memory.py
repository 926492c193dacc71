"""Whether memory grows with the length of a clip.

Every figure comes from a process of its own, ``python -m benchmarks.memory CASE FRAMES``, which prints its peak in MiB.
"""

from __future__ import annotations

import sys
from statistics import median

import vapoursynth as vs
from torch import Tensor, nn

import vsrestore
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.window import Window

from .material import moving_clip
from .process import figures_of, resident_peak
from .report import Report, Requirement
from .timing import drain

SHORT, LONG = 200, 10_000
GROWTH = 1.05
MEAN, FILM = "five-frame mean, 320x240", "film, 128x96"


class Mean(nn.Module):
    """The mean of each window: next to no arithmetic, so that many frames go through."""

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        """Turn frames (1, T, C, H, W) and windows (K, W) into (1, K, C, H, W)."""
        return frames[0][windows].mean(1).unsqueeze(0)


def run(repeats: int, model: str = "film") -> list[Report]:
    """Compare the peak memory for a short and for a long clip of the same content."""
    rows, requirements = [], []
    for case in (MEAN, FILM):
        short, long = (median(_peak(case, frames, model) for _ in range(repeats)) for frames in (SHORT, LONG))
        rows.append((case, short, long, long / short))
        requirements.append(Requirement(f"memory of {LONG} over {SHORT} frames, {case}", long / short, most=GROWTH))
    columns = ("case", f"{SHORT} frames, MiB", f"{LONG} frames, MiB", "ratio")
    return [Report("memory", columns, rows, requirements, {"repeats": repeats, "model": model})]


def _peak(case: str, frames: int, model: str) -> float:
    return figures_of("memory", case, frames, model)[0]


def _clip(case: str, frames: int, model: str) -> vs.VideoNode:
    if case == FILM:
        clip = moving_clip(frames, 128, 96, vs.YUV420P8)
        return vsrestore.film(clip, model=model, device="cpu")
    clip = moving_clip(frames, 320, 240, vs.YUV420P8)
    descriptor = Descriptor(name="mean", plan=Window(chunk=4, before=2, after=2))
    return apply(clip, Stage(descriptor=descriptor, build=Mean), Options(device="cpu"))


def main() -> None:
    """Render one case and print the peak."""
    case, frames, model = sys.argv[1:]
    drain(_clip(case, int(frames), model))
    print(resident_peak())


if __name__ == "__main__":
    main()
