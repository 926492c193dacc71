"""SPyNet: optical flow between two frames, coarse to fine over a pyramid of images.

Source:
    Ranjan, Black, "Optical Flow Estimation using a Spatial Pyramid Network", CVPR 2017, arXiv 1611.00850, in the form
    that BasicVSR and BasicVSR++ use. Tensor names are those of mmediting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import relu
from vsrestore.networks.layers.at_once import AtOnce
from vsrestore.networks.layers.constant import constant
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.traits import Traits

LEVELS = 6
MULTIPLE = 2 ** (LEVELS - 1)  # images are resized to multiples of it
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
PIXELS = AtOnce(2**18, 2**21)  # of the pairs that go through the network together: bounds its memory
DERIVED = ("mean", "std")


class ConvModule(nn.Module):
    """A 7x7 convolution; the extra level is in the published names."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, inputs, H, W) to (N, outputs, H, W)."""
        return self.conv(x)


class BasicModule(nn.Module):
    """Correction of the flow at one level of the pyramid."""

    def __init__(self) -> None:
        super().__init__()
        widths = (8, 32, 64, 32, 16, 2)
        self.basic_module = nn.Sequential(*map(ConvModule, widths[:-1], widths[1:]))

    def forward(self, reference: Tensor, warped: Tensor, flow: Tensor) -> Tensor:
        """Correct ``flow`` (N, 2, H, W; float32; pixels), given the reference and the other image warped by it."""
        x = channels_last(torch.cat((reference, warped, flow.to(reference.dtype)), dim=1))
        for conv in self.basic_module[:-1]:
            x = relu.after(cast("nn.Conv2d", conv.conv), x)
        return flow + self.basic_module[-1](x).float()


class SPyNet(nn.Module):
    """Optical flow by a spatial pyramid of six levels.

    Flows and sampling grids are float32 whatever the dtype of the weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.basic_module = nn.ModuleList(BasicModule() for _ in range(LEVELS))
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.mean: Tensor
        self.std: Tensor

    def forward(self, reference: Tensor, other: Tensor) -> Tensor:
        """Return the flow that leads from ``reference`` to the same content in ``other``.

        Args:
            reference: images (N, 3, H, W) in [0, 1].
            other: images of the same shape.

        Returns:
            (N, 2, H, W), float32, pixels; channel 0 to the right, channel 1 down.
        """
        return self._between(self._pyramid(reference), self._pyramid(other), reference.shape[-2:])

    def between_neighbours(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return the flows between neighbouring frames, both ways; each frame's pyramid is computed once.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].

        Returns:
            Flows from every frame to the next one, and from every next frame back to it; each (N, T - 1, 2, H, W).
        """
        n, t, _, height, width = frames.shape
        pyramid = [level.unflatten(0, (n, t)) for level in self._pyramid(frames.flatten(0, 1))]
        earlier = [level[:, :-1] for level in pyramid]
        later = [level[:, 1:] for level in pyramid]
        references = [torch.cat(pair).flatten(0, 1) for pair in zip(earlier, later, strict=True)]
        others = [torch.cat(pair).flatten(0, 1) for pair in zip(later, earlier, strict=True)]
        at_once = PIXELS.parts(frames.device, height * width)
        flows = []
        for first in range(0, len(references[0]), at_once):
            pairs = slice(first, first + at_once)
            flows.append(self._between([x[pairs] for x in references], [x[pairs] for x in others], (height, width)))
        onward, back = torch.cat(flows).unflatten(0, (2, n, t - 1))
        return onward, back

    def _pyramid(self, images: Tensor) -> list[Tensor]:
        """Normalise images (N, 3, H, W), resized to multiples of 32, and halve them five times; coarse to fine."""
        dtype = next(self.parameters()).dtype
        height, width = images.shape[-2:]
        size = (height + -height % MULTIPLE, width + -width % MULTIPLE)
        resized = F.interpolate(images.float(), size=size, mode="bilinear", align_corners=False)
        levels = [(resized - self.mean.float()) / self.std.float()]
        for _ in range(LEVELS - 1):
            levels.append(F.avg_pool2d(levels[-1], 2))
        return [level.to(dtype) for level in reversed(levels)]

    def _between(self, references: Sequence[Tensor], others: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """Return the flow from references to others, given as pyramids, in pixels of images of ``size`` (H, W)."""
        flow = torch.zeros_like(references[0][:, :2], dtype=torch.float32)
        for level, (reference, other) in enumerate(zip(references, others, strict=True)):
            if level > 0:
                flow = 2 * F.interpolate(flow, scale_factor=2.0, mode="bilinear", align_corners=True)
            flow = self.basic_module[level](reference, flow_warp(other, flow, padding="border"), flow)
        height, width = size
        scale = constant((width / flow.shape[-1], height / flow.shape[-2]), flow).view(1, 2, 1, 1)
        return F.interpolate(flow, size=(height, width), mode="bilinear", align_corners=False) * scale


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries under our names, those of mmediting; BasicSR counts the activations too and says no "conv".

    Args:
        state_dict: tensors, or their shapes, by published name; those of other networks around it stay as they are.
    """
    return {re.sub(BASICSR, _mmediting_name, name): value for name, value in state_dict.items()}


BASICSR = r"(basic_module\.\d\.basic_module)\.(\d)\.(weight|bias)$"


def _mmediting_name(match: re.Match[str]) -> str:
    return f"{match[1]}.{int(match[2]) // 2}.conv.{match[3]}"


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return Traits(float32_frames=True)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return the (empty) constructor settings of a SPyNet with these names and shapes; None if it is none."""
    shapes = rename(shapes)
    fits = all(shapes.get(f"basic_module.{i}.basic_module.0.conv.weight") == (32, 8, 7, 7) for i in range(LEVELS))
    return {} if fits else None
