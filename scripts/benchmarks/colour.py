"""DDColor and DeOldify as filters beside the bare networks, and how much faster they are in bf16."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import vapoursynth as vs
from torch import nn

import vsrestore
from vsrestore.devices.cpu import THREADS
from vsrestore.networks import load
from vsrestore.networks.ddcolor import DDColor
from vsrestore.networks.deoldify import DeOldify
from vsrestore.networks.layers.layout import channels_last
from vsrestore.runtime.descriptor import Precision

from .material import moving_clip
from .published import seeded_state
from .report import Report, Requirement
from .timing import Run, medians, successive

WIDTH, HEIGHT = 640, 480
SHARE, BF16_GAIN = 0.95, 1.8
AHEAD = 10  # frames beyond the last run: every run paints as many as it gives, for those that steady its last ones
Filter = Callable[..., vs.VideoNode]


class Case(NamedTuple):
    """A filter, its network, and the edge of the square that the network sees by default."""

    colour: Filter
    network: Callable[[], nn.Module]
    size: int


CASES = {
    "ddcolor paper_tiny": Case(vsrestore.ddcolor, lambda: DDColor((3, 3, 9, 3), (96, 192, 384, 768)), 512),
    "ddcolor modelscope": Case(vsrestore.ddcolor, DDColor, 512),
    "deoldify artistic": Case(vsrestore.deoldify, DeOldify, 336),
}


def run(frames: int, repeats: int, names: tuple[str, ...] = tuple(CASES)) -> list[Report]:
    """Time the filters with their defaults on 640x480 YUV 4:2:0 at 8 bit, and the networks on their squares alone."""
    rows, requirements = [], []
    for name in names:
        seconds = _seconds(CASES[name], frames, repeats)
        speed = {way: frames / taken for way, taken in seconds.items()}
        share, gain = speed["float32"] / speed["bare"], speed["bfloat16"] / speed["float32"]
        rows.append((name, speed["bare"], speed["float32"], speed["bfloat16"], share, gain))
        requirements.append(Requirement(f"filter over bare, {name}", share, least=SHARE))
        requirements.append(Requirement(f"bf16 over float32, {name}", gain, least=BF16_GAIN))
    columns = ("network", "bare fps", "float32 fps", "bf16 fps", "filter/bare", "bf16/float32")
    settings: dict[str, object] = {"frames": frames, "repeats": repeats}
    return [Report("colour", columns, rows, requirements, settings)]


def _seconds(case: Case, frames: int, repeats: int) -> dict[str, float]:
    clip = moving_clip(frames * (repeats + 1) + AHEAD, WIDTH, HEIGHT, vs.YUV420P8)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "seeded.pth"
        state = seeded_state(case.network(), 1.0)
        torch.save(state, checkpoint)
        runs: dict[str, Run] = {"bare": bare(load(state).eval(), case.size, frames)}
        precisions: tuple[Precision, ...] = ("float32", "bfloat16")
        for precision in precisions:
            painted = case.colour(clip, checkpoint, device="cpu", precision=precision)
            runs[precision] = successive(painted, frames)
        return medians(runs, repeats)


def bare(network: nn.Module, size: int, frames: int) -> Run:
    """Return a run that gives the network gray squares one after another, in the runtime's thread."""
    squares = [channels_last(torch.rand(1, 1, size, size).expand(-1, 3, -1, -1)) for _ in range(frames)]

    def calls() -> None:
        with torch.inference_mode():
            for square in squares:
                network(square)

    return lambda: THREADS.run(calls)
