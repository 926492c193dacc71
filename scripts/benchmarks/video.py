"""Networks for video our way beside the published one.

Published: as the papers write the networks down (``benchmarks.naive``), in PyTorch's default memory layout, with plain
attention and everything computed again, in float32. All on the CPU, with the same seeded weights and the same chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vsrestore.devices.parts import Networks, Part, Parts
from vsrestore.networks.analog_swin_unet import AnalogSwinUNet
from vsrestore.networks.layers.collaborating_flows import adaptive_collaboration
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.mmp_rnn import MMPRNN
from vsrestore.networks.propainter import ProPainter
from vsrestore.networks.psrt import PSRT
from vsrestore.networks.raft import RAFT
from vsrestore.networks.rife import RIFE
from vsrestore.networks.rvrt import RVRT
from vsrestore.networks.sf_adacof import AdaCoF
from vsrestore.networks.tape_reference import TapeReference
from vsrestore.networks.tcvc import TCVC
from vsrestore.networks.tcvc_decoder import GuidedColourNet, Warper
from vsrestore.networks.tcvc_encoder import TCVCEncoder
from vsrestore.networks.traits import Precision

from .naive import analog_swin_unet, mmp_rnn, propainter, psrt, rife, rvrt, sf_adacof, tape_reference, tcvc
from .published import moving_noise, seeded
from .report import Report
from .timing import Measure, duration
from .ways import COLUMNS, Bound, Way, compare, conditions

PUBLISHED, FLOAT32, BFLOAT16 = "published", "ours", "ours in bfloat16"
# bfloat16 is another arithmetic: its picture is shown, not required.
BOUNDS = {FLOAT32: Bound(1.3), BFLOAT16: Bound(2.0, difference=None)}
# A sample jumps where its displacement passes a whole number, to whichever side it is rounded.
JUMPS = {**BOUNDS, FLOAT32: Bound(1.3, difference=0.01)}


class Case(NamedTuple):
    """A network and one chunk for it."""

    build: Callable[[], nn.Module]
    """Returns the network with seeded weights, as published files hold them."""
    naive: Callable[..., Tensor]
    """Takes the network, then what it takes, and gives what it gives."""
    inputs: Sequence[Tensor]
    """What the network takes, frames (1, T, 3, H, W) or one of them first."""
    given: int
    """Frames of them that a filter takes, the others being overlap."""
    keep: range | None = None
    """Which these are, for a network that is told so: the published one makes all and drops the others."""
    steps: Mapping[str, Callable[..., Tensor]] = {}
    """Between the two, where our ways can be taken back one by one: takes our network, then what it takes."""
    bounds: Mapping[str, Bound] = BOUNDS
    """What our ways must reach."""
    halves: bool = True
    """Whether it may run in half precision."""
    parts: Callable[[Callable[[], nn.Module]], Parts] | None = None
    """Returns the parts of a network, from what builds it, where a filter gives them to the runtime one by one."""


class Sampling(nn.Module):
    """The operator of AdaCoF alone."""

    def forward(self, frames: Tensor, weights: Tensor, down: Tensor, across: Tensor) -> Tensor:
        """Return the samples' sum."""
        return adaptive_collaboration(frames, weights, down, across)


def pair(height: int, width: int) -> list[Tensor]:
    """Return two frames of a moving scene, and the time half-way."""
    return [*moving_noise(2, height, width)[0].split(1), torch.tensor([0.5])]


def samples(height: int, width: int, taps: int) -> list[Tensor]:
    """Return a frame, and smooth weights and displacements of its taps, as the heads of AdaCoF lay them out."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.randn(3, taps, height // 16, width // 16, generator=generator)
    weights, down, across = nn.functional.interpolate(4 * coarse, size=(height, width), mode="bilinear")
    maps = (weights.softmax(0), down, across)
    return [moving_noise(1, height, width)[0], *(channels_last(x[None]) for x in maps)]


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


def tcvc_network(stem: int = 64, width: int = 384, channels: int = 512, hidden: int = 2048) -> TCVC:
    """Return TCVC with seeded weights whose norms leave what they normed about as large as it is."""
    encoder = TCVCEncoder(stem, width, channels, hidden=hidden)
    painter = GuidedColourNet(channels // 16, width, hidden)
    network = seeded(TCVC(encoder, Warper(stem, width, channels), painter), 0.5)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d | nn.LayerNorm):
            part.weight.add_(1)
    return network


def tcvc_parts(build: Callable[[], nn.Module]) -> Parts:
    """Return the parts of TCVC as its filter gives them to the runtime."""

    def encoder() -> nn.Module:
        whole = build()
        assert isinstance(whole, TCVC)
        whole.encoder.fold()
        return whole.encoder

    parts = {
        "encoder": Part(encoder, precision="float32", channels_last=False),
        "warper": Part(lambda: build().get_submodule("warper"), precision="float32"),
        "painter": Part(lambda: build().get_submodule("painter")),
    }
    return Parts(parts, lambda networks: TCVC(**networks))  # type: ignore[arg-type]


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
    "MMP-RNN": Case(lambda: seeded(MMPRNN(attention=True), 0.5), deblur, [moving_noise(8, 480, 640)], 4),
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
    "AdaCoF's samples": Case(
        Sampling, sf_adacof.taps, samples(240, 320, 25), 1, bounds={**JUMPS, FLOAT32: Bound(3.0, difference=0.01)}
    ),
    "SF-AdaCoF": Case(lambda: seeded(AdaCoF(), 1.4), sf_adacof.between, pair(256, 320), 1, bounds=JUMPS),
    "RIFE": Case(lambda: seeded(RIFE(), 0.8), rife.between, pair(768, 1280), 1),
    "TCVC": Case(
        tcvc_network,
        tcvc.colour,
        [moving_noise(3, 144, 256), moving_noise(1, 144, 256)[0]],
        3,
        range(3),
        bounds={**BOUNDS, FLOAT32: Bound(1.3, difference=5e-3)},  # norms of small maps make much of rounding
        parts=tcvc_parts,
    ),
}


def run(repeats: int, measure: Measure = duration, cases: Mapping[str, Case] = CASES) -> list[Report]:
    """Time the published way and ours, one chunk of frames each."""
    rows, requirements = [], []
    for name, case in cases.items():
        compared = compare(name, ways(case), case.given, case.bounds, repeats, measure)
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
    build = case.parts(case.build) if case.parts else lambda: folded(case.build())
    return Networks(build, lambda: torch.device("cpu")).get(precision)


def folded(network: nn.Module) -> nn.Module:
    """Fold the norms that a network folds once its weights are loaded."""
    if isinstance(network, MMPRNN | RAFT):
        network.fold()
    return network


def _size(case: Case) -> str:
    frames = case.inputs[0]
    return f"{frames.shape[1] if frames.ndim > 4 else 2} frames of {frames.shape[-1]}x{frames.shape[-2]}"
