"""BasicVSR++ our way beside the published one, and what each of our steps brings.

Published: PyTorch's default memory layout, torchvision's deformable convolution, flows of each direction by
themselves, float32. All on the CPU, with the same seeded weights and the same chunk of frames.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vsrestore.networks.basicvsrpp import BasicVSRpp

from .published import contiguous_layout, moving_noise, one_flow_at_a_time, seeded, torchvision_sampling
from .report import Report
from .timing import Measure, duration
from .ways import COLUMNS, Bound, Way, compare, conditions

FRAMES = 6
FLOAT32, BFLOAT16 = "+ flows together", "in bfloat16"
# bfloat16 is another arithmetic: its picture is shown, not required.
BOUNDS = {FLOAT32: Bound(1.5), BFLOAT16: Bound(2.5, difference=None)}


class Case(NamedTuple):
    """A published network and the size of its frames."""

    settings: dict[str, Any]
    gain: float
    height: int
    width: int


CASES = {
    "BasicVSR++ x4": Case({"channels": 64, "blocks": 7}, 0.9, 48, 64),
    "BasicVSR++ same size": Case({"channels": 64, "blocks": 15, "same_size": True}, 0.8, 192, 256),
}


def run(repeats: int, measure: Measure = duration) -> list[Report]:
    """Time all steps from the published way to ours, one chunk of frames each."""
    rows, requirements = [], []
    for name, case in CASES.items():
        compared = compare(name, ways(case), FRAMES, BOUNDS, repeats, measure)
        rows += compared.rows
        requirements += compared.requirements
    sizes = {name: f"{FRAMES} frames of {case.width}x{case.height}" for name, case in CASES.items()}
    return [Report("basicvsrpp", COLUMNS, rows, requirements, conditions(repeats, measure, sizes))]


def ways(case: Case) -> dict[str, Way]:
    """Return the steps from the published way to ours, each with all before it."""
    frames = moving_noise(FRAMES, case.height, case.width)
    published = _network(case)
    ours = _network(case).to(memory_format=torch.channels_last)
    half = _network(case).bfloat16().to(memory_format=torch.channels_last)
    naive = (torchvision_sampling, one_flow_at_a_time)
    return {
        "published": partial(_restored, published, frames, contiguous_layout, *naive),
        "+ channels last": partial(_restored, ours, frames, *naive),
        "+ our deformable convolution": partial(_restored, ours, frames, one_flow_at_a_time),
        FLOAT32: partial(_restored, ours, frames),
        BFLOAT16: partial(_restored, half, frames),
    }


def _network(case: Case) -> BasicVSRpp:
    return seeded(BasicVSRpp(**case.settings), case.gain)


def _restored(network: BasicVSRpp, frames: Tensor, *taken_back: Callable[[], AbstractContextManager[None]]) -> Tensor:
    with ExitStack() as contexts:
        for context in taken_back:
            contexts.enter_context(context())
        return network(frames)
