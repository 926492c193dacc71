"""RealBasicVSR: x4 super-resolution of video with unknown damage; frames are cleaned first, then enlarged by BasicVSR.

Source:
    Chan, Zhou, Xu, Loy, "Investigating Tradeoffs in Real-World Video Super-Resolution", CVPR 2022, arXiv 2111.12704.
    Tensor names are those of mmediting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.residual import ResidualTrunk
from vsrestore.networks.layers.upsample import FourfoldTail, enlarge
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.spynet import SPyNet
from vsrestore.networks.traits import Traits

MAX_PASSES = 3  # of the cleaning
DERIVED = ("spynet.mean", "spynet.std")


class BasicVSR(FourfoldTail):
    """Enlarge a sequence fourfold with one propagation backward and one forward in time.

    Args:
        channels: of the features.
        blocks: residual blocks of each propagation.

    Source:
        Chan, Wang, Yu, Dong, Loy, BasicVSR, CVPR 2021.
    """

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__(channels)
        self.channels = channels
        self.spynet = SPyNet()
        self.backward_resblocks = ResidualTrunk(3 + channels, channels, blocks)
        self.forward_resblocks = ResidualTrunk(3 + channels, channels, blocks)
        self.fusion = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, frames: Tensor, keep: range) -> Tensor:
        """Enlarge frames (N, T, 3, H, W) to (N, len(keep), 3, 4H, 4W); only those of ``keep`` are made."""
        onward, back = self._flows(frames)
        t = frames.shape[1]
        behind: dict[int, Tensor] = {}
        state: Tensor | None = None
        for index in range(t - 1, keep.start - 1, -1):
            flow = onward[:, index] if index < t - 1 else None
            state = self._step(self.backward_resblocks, frames[:, index], state, flow)
            if index in keep:
                behind[index] = state
        state, restored = None, []
        for index in range(keep.stop):
            flow = back[:, index - 1] if index > 0 else None
            state = self._step(self.forward_resblocks, frames[:, index], state, flow)
            if index in keep:
                both = torch.cat((behind.pop(index), state), dim=1)
                added = self.to_pixels(lrelu.after(self.fusion, both))
                base = enlarge(frames[:, index], 4)
                restored.append(base + added.to(base.dtype))
        return torch.stack(restored, dim=1)

    def _flows(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return the flows from every frame to the next and back, (N, T - 1, 2, H, W) each."""
        n, t, _, height, width = frames.shape
        if t > 1:
            return self.spynet.between_neighbours(frames)
        none = frames.new_empty(n, 0, 2, height, width)
        return none, none

    def _step(self, trunk: nn.Module, frame: Tensor, state: Tensor | None, flow: Tensor | None) -> Tensor:
        """Return the state (N, C, H, W) at a frame, given the state at the frame before and the flow to it."""
        frame = frame.to(self.conv_last.weight.dtype)
        if state is None or flow is None:
            carried = frame.new_zeros(len(frame), self.channels, *frame.shape[-2:])
        else:
            carried = flow_warp(state, flow)
        return trunk(channels_last(torch.cat((frame, carried), dim=1)))


class RealBasicVSR(nn.Module):
    """Clean the frames of a sequence, then enlarge them fourfold.

    Args:
        channels: of the features.
        blocks: residual blocks of each propagation.
        cleaning_blocks: residual blocks of the cleaning.
        threshold: cleaning is repeated while the mean change of the whole sequence is this large, on the scale of
            0 to 255; 255 as published means one pass. Smaller values make a frame depend on its whole chunk.
        passes: number of cleaning passes, 1 to 3, whatever they change; None: ``threshold`` decides.
    """

    scale = 4
    multiple = 1

    def __init__(
        self,
        channels: int = 64,
        blocks: int = 20,
        cleaning_blocks: int = 20,
        threshold: float = 255.0,
        passes: int | None = None,
    ) -> None:
        super().__init__()
        if passes is not None and not 1 <= passes <= MAX_PASSES:
            raise ValueError(f"passes is {passes}; 1 to {MAX_PASSES} are accepted, or None")
        self.threshold, self.passes = threshold, passes
        cleaner = ResidualTrunk(3, channels, cleaning_blocks), nn.Conv2d(channels, 3, 3, padding=1)
        self.image_cleaning = nn.Sequential(*cleaner)
        self.basicvsr = BasicVSR(channels, blocks)

    def forward(self, frames: Tensor, keep: range | None = None) -> Tensor:
        """Restore a sequence.

        Args:
            frames: (N, T, 3, H, W) in [0, 1], RGB. The published network was run on 64 pixels and more only.
            keep: consecutive frames that are wanted (default: all); the others serve as context.

        Returns:
            (N, T or len(keep), 3, 4H, 4W), not clamped.
        """
        return self.basicvsr(self.clean(frames), range(frames.shape[1]) if keep is None else keep)

    def clean(self, frames: Tensor) -> Tensor:
        """Remove noise and artefacts from frames (N, T, 3, H, W), which are left as they are; the same shape."""
        for _ in range(self.passes or MAX_PASSES):
            changes = [self._change(frame) for frame in frames.unbind(1)]
            change = torch.stack(changes, dim=1)
            frames = frames + change
            if self.passes is None and change.abs().mean() < self.threshold / 255:
                break
        return frames

    def _change(self, frame: Tensor) -> Tensor:
        x = channels_last(frame).to(self.basicvsr.conv_last.weight.dtype)
        return self.image_cleaning(x).to(frame.dtype)


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures; in smaller ones the coarsest level of the flow has no pixel."""
    return Traits(scale=4, minimum=32, tile_overlap=64, float32_frames=True)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no RealBasicVSR."""
    fusion = shapes.get("basicvsr.fusion.weight")
    if fusion is None or "image_cleaning.0.main.0.weight" not in shapes:
        return None
    return {
        "channels": fusion[0],
        "blocks": _count_blocks(shapes, "basicvsr.backward_resblocks"),
        "cleaning_blocks": _count_blocks(shapes, "image_cleaning.0"),
    }


def _count_blocks(shapes: Mapping[str, tuple[int, ...]], trunk: str) -> int:
    block = re.compile(re.escape(trunk) + r"\.main\.2\.\d+\.conv1\.weight")
    return sum(block.fullmatch(name) is not None for name in shapes)
