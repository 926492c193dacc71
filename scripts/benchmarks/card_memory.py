"""What one call of a video network holds on a card for a clip of 1280x720, reckoned on a fake one (``fake_card``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vsrestore.filters import analog_swin_unet, mmp_rnn, psrt, rvrt, tape_reference
from vsrestore.networks.analog_swin_unet import AnalogSwinUNet
from vsrestore.networks.mmp_rnn import MMPRNN
from vsrestore.networks.psrt import PSRT
from vsrestore.networks.rvrt import RVRT
from vsrestore.networks.tape_reference import TapeReference

from .fake_card import CARD, fake_card, there
from .live_memory import fused_attention
from .report import Report, Requirement
from .video import folded, windows

GIB = 1 << 30
WIDTH, HEIGHT = 1280, 720
LIMIT = 8.0
"""GiB of the card."""
COLUMNS = ("filter", "tile", "frames of a call", "float16, GiB", "float32, GiB")
AROUND = 4
"""Frames beside a chunk that its windows of five see."""


@dataclass(frozen=True)
class Case:
    """A network of the published size, and what the filter gives it by default."""

    build: Callable[[], nn.Module]
    frames: int
    """Of a call, with the overlap."""
    tile: int | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    half_frames: bool = True
    """Whether frames come in the precision of the network."""


def sequence(filter_function: Callable[..., object]) -> tuple[int, range]:
    """Return how many frames a filter's network sees for a chunk by default, and which of them it gives."""
    assert filter_function.__kwdefaults__ is not None
    chunk, overlap = (filter_function.__kwdefaults__[name] for name in ("chunk", "overlap"))
    return chunk + 2 * overlap, range(overlap, overlap + chunk)


RVRT_FRAMES, RVRT_KEPT = sequence(rvrt.rvrt)
PSRT_FRAMES, PSRT_KEPT = sequence(psrt.psrt)
MMP_FRAMES, MMP_KEPT = sequence(mmp_rnn.mmp_rnn)
CASES = {
    '`rvrt`, "denoise"': Case(
        lambda: RVRT(channels=192, same_size=True, denoises=True),
        RVRT_FRAMES,
        512,
        {"keep": RVRT_KEPT, "noise_level": 0.1},
    ),
    '`rvrt`, "sr"': Case(RVRT, RVRT_FRAMES, 256, {"keep": RVRT_KEPT}),
    "`psrt`": Case(PSRT, PSRT_FRAMES, 256, {"keep": PSRT_KEPT}),
    "`mmp_rnn`": Case(lambda: MMPRNN(attention=True), MMP_FRAMES, None, {"keep": MMP_KEPT}),
    "`tape_reference`": Case(
        TapeReference,
        tape_reference.CHUNK + AROUND,
        None,
        {
            "windows": windows(tape_reference.CHUNK, 5),
            "references": torch.tensor([list(range(tape_reference.COUNT))] * tape_reference.CHUNK),
        },
        half_frames=False,
    ),
    "`analog_swin_unet`": Case(
        AnalogSwinUNet,
        analog_swin_unet.CHUNK + AROUND,
        512,
        {"windows": windows(analog_swin_unet.CHUNK, 5)},
        half_frames=False,
    ),
}


def run(cases: Mapping[str, Case] = CASES, limit: float = LIMIT, size: Sequence[int] = (HEIGHT, WIDTH)) -> list[Report]:
    """Reckon the most that the tensors of one call hold, weights included."""
    rows, requirements = [], []
    for name, case in cases.items():
        held = [most_held(case, dtype, size) / GIB for dtype in (torch.float16, torch.float32)]
        rows.append([name, case.tile or "none", case.frames, *(round(gib, 2) for gib in held)])
        requirements.append(Requirement(f"{name}: GiB, float32", held[-1], most=limit))
    conditions: dict[str, object] = {
        "clip": f"{size[1]}x{size[0]}",
        "without": "workspaces of cuDNN, the context of CUDA",
    }
    return [Report("card-memory", COLUMNS, rows, requirements, conditions)]


def most_held(case: Case, dtype: torch.dtype, size: Sequence[int]) -> int:
    """Return the most bytes that tensors hold on the card during a call."""
    height, width = (min(edge, case.tile or edge) for edge in size)
    network = folded(case.build().eval())
    with fake_card() as card, fused_attention():
        there(network, dtype)
        beside: dict[str, Tensor] = {}
        if isinstance(network, TapeReference):
            beside["reference_frames"] = torch.empty(1, tape_reference.COUNT, 3, height, width, device=CARD)
        frames = torch.empty(
            1, case.frames, 3, height, width, device=CARD, dtype=dtype if case.half_frames else torch.float32
        )
        network(frames, **case.arguments, **beside)
    return card.memory.most
