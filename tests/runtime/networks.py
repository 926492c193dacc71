"""Tiny transparent networks, which count their calls."""

from __future__ import annotations

import time

import torch
import vapoursynth as vs
from torch import Tensor, nn

from vsrestore.devices.parts import Build
from vsrestore.networks.absent_frames import ABSENT
from vsrestore.networks.traits import Traits
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.sequence import Sequence
from vsrestore.runtime.plans.single import Single
from vsrestore.runtime.plans.window import Window


class Counting(nn.Module):
    calls = 0
    pause_s = 0.0

    def __call__(self, *given: object, **named: object) -> Tensor:
        self.calls += 1
        time.sleep(self.pause_s)
        return super().__call__(*given, **named)


class Identity(Counting):
    def forward(self, images: Tensor) -> Tensor:
        return images


class Enlarge(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.repeat_interleave(2, -1).repeat_interleave(2, -2)


class WindowMean(Counting):
    """The mean over each window."""

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        return frames[0][windows].mean(1).unsqueeze(0)


class LitMean(Counting):
    """The mean over each window, in which frames may be black, or missing at the end."""

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        lit = (windows >= 0)[..., None, None, None]
        there = (windows != ABSENT).sum(1).view(-1, 1, 1, 1)
        return ((frames[0][windows.clamp(min=0)] * lit).sum(1) / there).unsqueeze(0)


class FirstOfSequence(Counting):
    """Every frame becomes the mean of itself and the first frame of its sequence: shows where sequences start."""

    def forward(self, frames: Tensor) -> Tensor:
        return (frames + frames[:, :1]) / 2


class KeepsWanted(Counting):
    """Gives the kept frames alone, each the mean of itself and the first frame of its sequence."""

    def forward(self, frames: Tensor, keep: range) -> Tensor:
        return (frames[:, keep.start : keep.stop] + frames[:, :1]) / 2


class Between(Counting):
    """The frame at a time between two, blended."""

    def forward(self, frames: Tensor, following: Tensor, times: Tensor) -> Tensor:
        return torch.lerp(frames, following, times.view(-1, 1, 1, 1))


class MeanOfReferences(Counting):
    """The mean of each frame of a window, of its first and its last one, and of all references."""

    def forward(self, frames: Tensor, references: Tensor | None = None) -> Tensor:
        afar = frames[0, :0] if references is None else references
        ends = frames[:, 0] + frames[:, -1]
        return (frames + (ends + afar.sum(0)).unsqueeze(1)) / (3 + len(afar))


class MeanOfChosen(Counting):
    """The mean of each centre and of its chosen references."""

    def forward(self, frames: Tensor, windows: Tensor, references: Tensor, reference_frames: Tensor) -> Tensor:
        centres = frames[0][windows[:, windows.shape[1] // 2]]
        return ((centres + reference_frames[0][references].sum(1)) / (1 + references.shape[1])).unsqueeze(0)


class Masked(Counting):
    """Dark where the mask is."""

    def forward(self, images: Tensor, mask: Tensor) -> Tensor:
        return images * (1 - 0.5 * mask)


class Noisy(Counting):
    """Adds noise that the frame's number decides."""

    def forward(self, images: Tensor, numbers: Tensor) -> Tensor:
        seeds = [torch.Generator().manual_seed(int(number)) for number in numbers]
        noise = [torch.rand(images.shape[1:], generator=seed) for seed in seeds]
        return (images + torch.stack(noise)) / 2


class Differences(Counting):
    """Values: how much a frame differs from the next one, in both directions of one picture's axes (two channels)."""

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        first, second = (frames[0][windows[:, column]].mean(1) for column in (0, 1))
        return torch.stack([4 * (second - first), -(second - first)], 1).unsqueeze(0)


class Undone(Counting):
    """Takes a quarter of the first channel of the flow off."""

    def forward(self, images: Tensor, flow: Tensor) -> Tensor:
        return images + flow[:, :1] / 4


class Joined(Counting):
    """Two parts, one after the other."""

    def __init__(self, parts: dict[str, nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(parts)

    def forward(self, images: Tensor) -> Tensor:
        halved = self.parts["encoder"](images.to(torch.bfloat16)).to(images.dtype)
        return self.parts["decoder"](halved)


class Scale(Counting):
    """Multiplies by its one weight."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(factor))

    def forward(self, images: Tensor) -> Tensor:
        assert images.dtype == self.weight.dtype
        return images * self.weight


class HalfBreaks(nn.Module):
    """Infinite in float16 and right in float32."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.1))

    def forward(self, images: Tensor) -> Tensor:
        large = images + 60000
        return (large + large) / 2 - 60000 if images.dtype == torch.float16 else images


class Failing(nn.Module):
    def forward(self, *given: object, **named: object) -> Tensor:
        raise RuntimeError("no such thing as a picture")


IMAGE = Descriptor(name="toy")
BATCH = Descriptor(name="toy", plan=Single(chunk=3))
WINDOW = Descriptor(name="toy", plan=Window(chunk=4, before=2, after=2))
RECURRENT = Descriptor(name="toy", plan=Sequence(chunk=5, overlap=2))


def with_traits(descriptor: Descriptor, **traits: object) -> Descriptor:
    return descriptor.changed(traits=Traits(**traits))


def run(clip: vs.VideoNode, descriptor: Descriptor, network: Build) -> vs.VideoNode:
    """The clip as one network restores it on the CPU."""
    options = Options(device="cpu", scene_changes=False)
    return apply(clip, Stage(descriptor=descriptor, build=network), options)
