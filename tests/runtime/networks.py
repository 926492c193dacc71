"""Tiny transparent networks of every kind, which count their calls."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsrestore.runtime.descriptor import Descriptor


class Identity(nn.Module):
    calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return images


class Enlarge(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.repeat_interleave(2, -1).repeat_interleave(2, -2)


class WindowMean(nn.Module):
    """The mean over each window."""

    calls = 0

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        self.calls += 1
        return frames[0][windows].mean(1).unsqueeze(0)


class FirstOfSequence(nn.Module):
    """Every frame becomes the mean of itself and the first frame of its sequence: shows where sequences start."""

    calls = 0

    def forward(self, frames: Tensor) -> Tensor:
        self.calls += 1
        return (frames + frames[:, :1]) / 2


class KeepsWanted(nn.Module):
    """Gives the kept frames alone, each the mean of itself and the first frame of its sequence."""

    def forward(self, frames: Tensor, keep: range) -> Tensor:
        return (frames[:, keep.start : keep.stop] + frames[:, :1]) / 2


class Between(nn.Module):
    """Doubles the frames: a frame, then the mean of it and its successor."""

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        first, second = frames[0][windows[:, 0]], frames[0][windows[:, 1]]
        return torch.stack([first, (first + second) / 2], 1).flatten(0, 1).unsqueeze(0)


class HalfBreaks(nn.Module):
    """Infinite in float16 and right in float32."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.1))

    def forward(self, images: Tensor) -> Tensor:
        large = images + 60000
        return (large + large) / 2 - 60000 if images.dtype == torch.float16 else images


class Failing(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        raise RuntimeError("no such thing as a picture")


IMAGE = Descriptor(name="toy")
WINDOW = Descriptor(name="toy", kind="window", chunk=4, before=2, after=2)
RECURRENT = Descriptor(name="toy", kind="recurrent", chunk=5, before=2, after=2)
DOUBLING = Descriptor(name="toy", kind="window", chunk=3, before=0, after=1, frame_factor=2)
