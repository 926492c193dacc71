"""RVRT, PSRT, MMP-RNN, TAPE, the analog Swin-UNet, RAFT and ProPainter our way beside the published one.

Published: as the papers write the networks down (``benchmarks.naive``), in PyTorch's default memory layout, with plain
attention and everything computed again, in float32. All on the CPU, with the same seeded weights and the same chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vsrestore.networks.analog_swin_unet import AnalogSwinUNet
from vsrestore.networks.mmp_rnn import MMPRNN
from vsrestore.networks.propainter import ProPainter
from vsrestore.networks.psrt import PSRT
from vsrestore.networks.raft import RAFT
from vsrestore.networks.rvrt import RVRT
from vsrestore.networks.tape_reference import TapeReference
from vsrestore.networks.traits import Precision
from vsrestore.runtime.parts import Networks

from .naive import analog_swin_unet, mmp_rnn, propainter, psrt, rvrt, tape_reference
from .published import moving_noise, seeded
from .report import Report
from .timing import Measure, duration
from .ways import COLUMNS, Bound, Way, compare, conditions

PUBLISHED, FLOAT32, BFLOAT16 = "published", "ours", "ours in bfloat16"
# bfloat16 is another arithmetic: its picture is shown, not required.
BOUNDS = {FLOAT32: Bound(1.3), BFLOAT16: Bound(2.0, difference=None)}


class Case(NamedTuple):
    """A network and one chunk for it."""

    build: Callable[[], nn.Module]
    """Returns the network with seeded weights, as published files hold them."""
    naive: Callable[..., Tensor]
    """Takes the network, then what it takes, and gives what it gives."""
    inputs: Sequence[Tensor]
    """What the network takes, frames (1, T, 3, H, W) first."""
    given: int
    """Frames of them that a filter takes, the others being overlap."""
    keep: range | None = None
    """Which these are, for a network that is told so: the published one makes all and drops the others."""
    steps: Mapping[str, Callable[..., Tensor]] = {}
    """Between the two, where our ways can be taken back one by one: takes our network, then what it takes."""
    halves: bool = True
    """Whether it may run in half precision."""


def windows(count: int, length: int) -> Tensor:
    """Return the positions of ``count`` windows one after another, (K, W)."""
    return torch.arange(count)[:, None] + torch.arange(length)


def holed(frames: Tensor) -> list[Tensor]:
    """Return frames (1, T, 3, H, W), a hole in them, what fills it and how they move, as ProPainter takes them."""
    mask = torch.zeros_like(frames[:, :, :1])
    mask[..., 40:72, 48:80] = 1
    filled = torch.cat(((frames * 2 - 1) * (1 - mask), mask), 2)
    flow = torch.tensor([-2.0, 0, 2, 0]).view(1, 1, 4, 1, 1).expand(1, frames.shape[1], -1, *frames.shape[-2:])
    return [frames, mask, filled, flow.contiguous()]


def deblur(network: MMPRNN, frames: Tensor) -> Tensor:
    """Deblur one chunk the naive way, with the attention of the network."""
    return mmp_rnn.deblur(network.state_dict(), frames, [range(frames.shape[1])], attention=True)


def without(taken_back: Sequence[rvrt.TakesBack]) -> Callable[..., Tensor]:
    """Return the run of RVRT without some of our ways."""
    return lambda network, frames, keep: rvrt.without(network, frames, *taken_back, keep=keep)


RVRT_STEPS = {
    "+ channels last": without(rvrt.NAIVE[1:]),
    "+ fused attention": without(rvrt.NAIVE[2:]),
    "+ one point of the deformable attention at a time": without(rvrt.NAIVE[3:]),
}
CASES = {
    "RVRT denoise": Case(
        lambda: seeded(RVRT(channels=192, same_size=True, denoises=True), 0.9),
        rvrt.restore,
        [moving_noise(8, 160, 160)],
        4,
        range(2, 6),
        RVRT_STEPS,
    ),
    "PSRT x4": Case(lambda: seeded(PSRT(), 0.9), psrt.enlarge, [moving_noise(6, 40, 40)], 3, range(1, 4)),
    "MMP-RNN": Case(lambda: seeded(MMPRNN(attention=True), 0.5), deblur, [moving_noise(20, 96, 96)], 16),
    "TAPE": Case(
        lambda: seeded(TapeReference(), 0.7),
        tape_reference.restore,
        [moving_noise(8, 64, 64), windows(4, 5), torch.tensor([[0, 1, 2, 3, 7]] * 4)],
        4,
    ),
    "RAFT": Case(lambda: seeded(RAFT(), 0.85), propainter.flows, [moving_noise(4, 128, 144)], 3, halves=False),
    "ProPainter": Case(
        lambda: propainter.Windows(seeded(ProPainter(), 0.9), [range(11), range(5, 16)], range(16, 23)),
        propainter.paint,
        holed(moving_noise(23, 128, 144)),
        10,
    ),
    "analog Swin-UNet": Case(
        lambda: seeded(AnalogSwinUNet(), 0.7),
        analog_swin_unet.restore,
        [moving_noise(6, 64, 64), windows(2, 5)],
        2,
    ),
}


def run(repeats: int, measure: Measure = duration, cases: Mapping[str, Case] = CASES) -> list[Report]:
    """Time the published way and ours, one chunk of frames each."""
    rows, requirements = [], []
    for name, case in cases.items():
        compared = compare(name, ways(case), case.given, BOUNDS, repeats, measure)
        rows += compared.rows
        requirements += compared.requirements
    sizes = {name: _size(case) for name, case in cases.items()}
    return [Report("video", COLUMNS, rows, requirements, conditions(repeats, measure, sizes))]


def ways(case: Case) -> dict[str, Way]:
    """Return the published way, steps from there to ours where there are any, ours, and ours in bfloat16."""
    ours = in_filters(case, "float32")
    kept = {} if case.keep is None else {"keep": case.keep}
    found: dict[str, Way] = {
        PUBLISHED: partial(_published, case, case.build()),
        **{name: partial(step, ours, *case.inputs, **kept) for name, step in case.steps.items()},
        FLOAT32: partial(ours, *case.inputs, **kept),
    }
    if case.halves:
        found[BFLOAT16] = partial(in_filters(case, "bfloat16"), *case.inputs, **kept)
    return found


def _published(case: Case, network: nn.Module) -> Tensor:
    restored = case.naive(network, *case.inputs)
    return restored if case.keep is None else restored[:, case.keep.start : case.keep.stop]


def in_filters(case: Case, precision: Precision) -> nn.Module:
    """Return the network as the runtime prepares it on the CPU."""
    return Networks(lambda: folded(case.build()), lambda: torch.device("cpu")).get(precision)


def folded(network: nn.Module) -> nn.Module:
    """Fold the norms that a network folds once its weights are loaded."""
    if isinstance(network, MMPRNN | RAFT):
        network.fold()
    return network


def _size(case: Case) -> str:
    length, _, height, width = case.inputs[0].shape[1:]
    return f"{length} frames of {width}x{height}"
