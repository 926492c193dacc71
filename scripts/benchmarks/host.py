"""What the machine itself has to do for a 1080p frame when networks run on a card: no network, no copies to or from it.

Frames of a YUV clip of 8 bits that costs nothing are brought into memory as for a card, and what a network might have
given, float16, becomes frames again. Seconds are the processor's, of all threads together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from statistics import median
from unittest.mock import patch

import numpy as np
import torch
import vapoursynth as vs
from torch import Tensor, nn

import vsrestore
from vsrestore.devices import pick
from vsrestore.devices.buffers import Buffers
from vsrestore.devices.card import Card, Streams
from vsrestore.devices.parts import Networks
from vsrestore.devices.worker import Work

from .material import moving_clip
from .report import Report, Requirement
from .timing import drain, processor_time

WIDTH, HEIGHT = 1920, 1080
FILTERS: dict[str, tuple[Callable[..., vs.VideoNode], int]] = {
    "film": (vsrestore.film, 1),
    "upscale": (vsrestore.upscale, 2),
}
MOST = {"film": 60.0, "upscale": 90.0}
"""Core-ms per frame."""
COLUMNS = ("filter", "output", "core-ms per frame", "frames per second of one core")


class Nobody(nn.Module):
    """In the place of a network: gives the same pictures every time, as many and ``scale`` times as large as asked."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.pictures = cache(self._made)

    def forward(self, frames: Tensor, windows: Tensor, **_: object) -> Tensor:
        """Return pictures (1, K, C, s*H, s*W) for frames without memory, (1, T, C, H, W), and windows (K, W)."""
        height, width = (self.scale * edge for edge in frames.shape[-2:])
        return self.pictures((1, len(windows), frames.shape[2], height, width))

    def _made(self, shape: tuple[int, ...]) -> Tensor:
        return torch.rand(shape).half()


class NoCard(Card):
    """A card without memory, to which no copy takes time, and whose network sees no pictures."""

    def __init__(self) -> None:
        super().__init__(torch.device("meta"), "host", pick.CARD_TURNS, True, Streams())
        self._again = Buffers(pick.CARD_TURNS)

    def memory(self, shape: Sequence[int], lent: bool = False) -> Tensor:
        """Return memory that is used again, as a card's pinned memory is."""
        return self._again.lend(shape, channels_last=False) if lent else super().memory(shape)

    def _brought(self, work: Work, dtype: torch.dtype) -> tuple[np.ndarray, float]:
        result = super()._brought(work, dtype)
        self._again.give_back(work.inputs.frames)
        return result

    def _summed(self, result: Tensor) -> Tensor:
        return torch.zeros(())


def run(frames: int, repeats: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> list[Report]:
    """Measure ``film`` and ``upscale`` at twice the size."""
    torch.set_num_threads(1)
    rows, requirements = [], []
    for name, (function, scale) in FILTERS.items():
        spent = median(_core_ms(function, scale, frames, size) for _ in range(repeats))
        output = f"{scale * size[0]}x{scale * size[1]}"
        rows.append((name, output, spent, 1000 / spent))
        requirements.append(Requirement(f"{name}: core-ms per frame", spent, most=MOST[name]))
    return [Report("host", COLUMNS, rows, requirements, {"frames": frames, "repeats": repeats})]


def _core_ms(function: Callable[..., vs.VideoNode], scale: int, frames: int, size: tuple[int, int]) -> float:
    """Return processor time per frame in ms, after as many frames that do not count."""
    network = Nobody(scale)
    with ExitStack() as stack:
        stack.enter_context(patch.object(Networks, "get", lambda *_: network))
        stack.enter_context(patch.object(pick, "worker", lambda *_: NoCard()))
        clip = moving_clip(2 * frames, *size, vs.YUV420P8)
        made = function(clip, device="cpu", **({"scale": scale} if scale > 1 else {}))
        drain(made[:frames])
        return processor_time(lambda: drain(made[frames:])) / frames * 1000
