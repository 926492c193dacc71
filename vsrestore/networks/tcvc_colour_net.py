"""The first stage of TCVC: the colours of one picture; and the same net as its second stage guides it.

Source:
    "Temporal Consistent Automatic Video Colorization via Semantic Correspondence", CVPR Workshops (NTIRE) 2023. Tensor
    names as published. The net goes back to Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep
    Priors", SIGGRAPH 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import Activation, relu
from vsrestore.networks.layers.instance_norm import instance_norm
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.state_dict import Shapes
from vsrestore.networks.tcvc_lab import decoded, encoded
from vsrestore.networks.traits import Traits

MULTIPLE = 8
COLOURS = 128.0  # a and b lie between -128 and 128
HALF, ZEROS = 4, 3  # channels of the input that are constant: 0.5, and where a frame coloured before would be
lrelu = Activation(0.2)


class ColourTrunk(nn.Module):
    """A U-Net of plain convolutions with an instance norm at the end of each block; its middle is an eighth as large.

    Args:
        inputs: channels that come in.
        width: of the first convolution; the widest have 16 times as many.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        double, quadruple, eightfold, widest = (width << step for step in range(1, 5))
        self.conv1_1 = nn.ModuleDict({"0": _conv(inputs, width), "2": _conv(width, double)})
        self.conv1_2 = _conv(double, double)
        self.conv1_2norm_ss = _Every2nd(double)
        self.conv2_1, self.conv2_2 = _conv(double, quadruple), _conv(quadruple, quadruple)
        self.conv2_2norm_ss = _Every2nd(quadruple)
        self.conv3_1, self.conv3_2, self.conv3_3 = _chain(quadruple, eightfold)
        self.conv3_3norm_ss = _Every2nd(eightfold)
        self.conv4_1, self.conv4_2, self.conv4_3 = _chain(eightfold, widest)
        self.conv5_1, self.conv5_2, self.conv5_3 = _chain(widest, widest, dilation=2)
        self.conv6_1, self.conv6_2, self.conv6_3 = _chain(widest, widest, dilation=2)
        self.conv7_1, self.conv7_2, self.conv7_3 = _chain(widest, widest)
        self.conv8_1, self.conv3_3_short = _Doubled(widest, eightfold), _conv(eightfold, eightfold)
        self.conv8_2, self.conv8_3 = _conv(eightfold, eightfold), _conv(eightfold, eightfold)
        self.conv9_1, self.conv2_2_short = _Doubled(eightfold, quadruple), _conv(quadruple, quadruple)
        self.conv9_2 = _conv(quadruple, quadruple)
        self.conv10_1, self.conv1_2_short = _Doubled(quadruple, quadruple), _conv(double, quadruple)
        self.conv10_2 = _conv(quadruple, quadruple)
        self.conv10_ab = nn.Conv2d(quadruple, 2, 1)

    def contracted(self, x: Tensor) -> list[Tensor]:
        """Turn (N, inputs, H, W) into features at full, half, quarter and eighth size, the last the deepest."""
        first = instance_norm(_activated(x, self.conv1_1["0"], self.conv1_1["2"], self.conv1_2))
        second = instance_norm(_activated(self.conv1_2norm_ss(first), self.conv2_1, self.conv2_2))
        third = instance_norm(_activated(self.conv2_2norm_ss(second), *self.block(3)))
        fourth = instance_norm(_activated(self.conv3_3norm_ss(third), *self.block(4)))
        return [first, second, third, fourth]

    def block(self, number: int) -> list[nn.Conv2d]:
        """Return the three convolutions of a block."""
        return [self.get_submodule(f"conv{number}_{step}") for step in (1, 2, 3)]  # type: ignore[misc]

    def passed(self, number: int, x: Tensor) -> Tensor:
        """Return what the block of a number, 5 to 7, makes of features (N, C, H, W), normed."""
        return instance_norm(_activated(x, *self.block(number)))

    def expanded(self, x: Tensor, skipped: Sequence[Tensor]) -> Tensor:
        """Return a and b, (N, 2, H, W), from features at an eighth of the size and those at full to quarter size."""
        first, second, third = skipped
        x = relu(self.conv8_1(x).add_(self.conv3_3_short(third)))
        x = instance_norm(_activated(x, self.conv8_2, self.conv8_3))
        x = relu(self.conv9_1(x).add_(self.conv2_2_short(second)))
        x = instance_norm(_activated(x, self.conv9_2))
        x = relu(self.conv10_1(x).add_(self.conv1_2_short(first)))
        return COLOURS * torch.tanh(self.conv10_ab(lrelu.after(self.conv10_2, x)))


class TCVCColourNet(ColourTrunk):
    """Find the colours of pictures, each alone.

    Args:
        width: channels of the first convolution.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__(HALF + ZEROS + 1, width)

    def forward(self, frames: Tensor) -> Tensor:
        """Colour pictures.

        Args:
            frames: (N, 3, H, W), Lab as ``tcvc_lab.encoded`` gives it, of which L counts; H and W multiples of 8.

        Returns:
            (N, 3, H, W), the same with the colours that were found.
        """
        lightness = decoded(frames)[:, :1]
        constant = lightness.new_full((1, HALF + ZEROS, 1, 1), 0.5)
        constant[:, HALF:] = 0
        x = torch.cat((constant.expand(len(frames), -1, *frames.shape[-2:]), lightness), dim=1)
        *skipped, x = self.contracted(channels_last(x.to(self.conv10_ab.weight.dtype)))
        for number in (5, 6, 7):
            x = self.passed(number, x)
        return encoded(torch.cat((lightness, self.expanded(x, skipped).to(lightness.dtype)), dim=1))


class _Every2nd(nn.Conv2d):
    """Every second pixel each way, times a learned factor for each channel; as a convolution it is called so."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 1, stride=2, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, C, H, W) into (N, C, H / 2, W / 2)."""
        return channels_last(x[..., ::2, ::2] * self.weight.view(1, -1, 1, 1))


class _Doubled(nn.ModuleDict):
    """Every pixel as four, and a convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__({"1": _conv(inputs, outputs)})

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, outputs, 2 * H, 2 * W)."""
        return self["1"](F.interpolate(x, scale_factor=2, mode="nearest"))


def _conv(inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)


def _chain(inputs: int, outputs: int, dilation: int = 1) -> list[nn.Conv2d]:
    return [_conv(inputs if not step else outputs, outputs, dilation) for step in range(3)]


def _activated(x: Tensor, *convolutions: nn.Module) -> Tensor:
    """Return ``x`` after convolutions, each with a ReLU."""
    for conv in convolutions:
        x = relu.after(conv, x)
    return x


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return Traits(multiple=MULTIPLE, tiles=False, float32_frames=True)


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings for a checkpoint of the first stage, None for other networks."""
    if "conv10_ab.weight" not in shapes or shapes["conv1_1.0.weight"][1] != HALF + ZEROS + 1:
        return None
    return {"width": shapes["conv1_1.0.weight"][0]}
