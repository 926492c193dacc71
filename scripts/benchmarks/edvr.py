"""EDVR our way beside the published one, and what each of our steps brings.

Published: every window from scratch, frames recomputed for each, PyTorch's default memory layout, torchvision's
deformable convolution. All in float32 on the CPU, with the same seeded weights and the same frames.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vsrestore.networks.edvr import EDVR

from .published import moving_noise, seeded, torchvision_sampling, whole_offset_convolutions
from .report import Report
from .timing import Measure, duration
from .ways import COLUMNS, Bound, Way, compare, conditions

PUBLISHED, OURS = "published", "+ offset convolutions split"


class Case(NamedTuple):
    """A published network, the size of its frames and the chunk that its filter takes."""

    settings: dict[str, Any]
    gain: float
    height: int
    width: int
    chunk: int
    least: float
    """Times as fast as published."""


LARGE = {"channels": 128, "back_blocks": 40}
CASES = {
    "EDVR M x4": Case({"channels": 64, "back_blocks": 10}, 1.1, 48, 64, 4, 1.5),
    "EDVR L x4": Case(LARGE, 0.9, 32, 40, 4, 1.8),
    "EDVR L deblur": Case({**LARGE, "predeblur": True, "hr_in": True}, 0.9, 96, 128, 8, 1.8),
}


def run(repeats: int, measure: Measure = duration) -> list[Report]:
    """Time all steps from the published way to ours, one chunk of frames each."""
    rows, requirements = [], []
    for name, case in CASES.items():
        compared = compare(name, ways(case), case.chunk, {OURS: Bound(case.least)}, repeats, measure)
        rows += compared.rows
        requirements += compared.requirements
    sizes = {name: f"{case.chunk} frames of {case.width}x{case.height}" for name, case in CASES.items()}
    return [Report("edvr", COLUMNS, rows, requirements, conditions(repeats, measure, sizes))]


def ways(case: Case) -> dict[str, Way]:
    """Return the steps from the published way to ours, each with all before it."""
    published = _network(case)
    ours = _network(case).to(memory_format=torch.channels_last)
    count = published.frames
    frames = moving_noise(case.chunk + count - 1, case.height, case.width)
    windows = torch.arange(case.chunk)[:, None] + torch.arange(count)
    as_published = [frames[:, k : k + count] for k in range(case.chunk)]
    laid_out = [_channels_last(window) for window in as_published]
    return {
        PUBLISHED: partial(_window_by_window, published, as_published, ours=False),
        "+ channels last": partial(_window_by_window, ours, laid_out, ours=False),
        "+ our deformable convolution": partial(_window_by_window, ours, laid_out, ours=True),
        "+ features once per chunk": partial(_chunk, ours, frames, windows, split=False),
        OURS: partial(_chunk, ours, frames, windows, split=True),
    }


def _network(case: Case) -> EDVR:
    return seeded(EDVR(**case.settings), case.gain)


def _channels_last(window: Tensor) -> Tensor:
    images = window.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return images.unflatten(0, window.shape[:2])


def _window_by_window(network: EDVR, windows: list[Tensor], ours: bool) -> Tensor:
    if ours:
        return torch.stack([network.plain(window) for window in windows], dim=1)
    with torchvision_sampling():
        return torch.stack([network.plain(window) for window in windows], dim=1)


def _chunk(network: EDVR, frames: Tensor, windows: Tensor, split: bool) -> Tensor:
    if split:
        return network(frames, windows)
    with whole_offset_convolutions():
        return network(frames, windows)
