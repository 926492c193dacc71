"""MMP-Net: how far every pixel of a blurred frame moved during its exposure. The prior of MMP-RNN.

Source:
    Wang, Lu, Gao, Wang, Zhong, Zheng, Yamashita, "Efficient Video Deblurring Guided by Motion Magnitude", ECCV 2022,
    arXiv 2207.13374. Tensor names are the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.normed_conv import fold_norms
from vsrestore.networks.layers.residual_dense import ResidualDenseBlock

DERIVED = ("num_batches_tracked",)
GREY = 0.5
"""Frames in [0, 1] reach the networks in [-0.5, 0.5]."""


class MMPNet(nn.Module):
    """A U-Net over five sizes, from a frame to its map of motion magnitude.

    A value of 1 stands for 15 pixels and more: the mean, over the exposure, of the flow to the next and from the
    previous sharp frame of a high-speed camera.

    Any size of 16 pixels and more is accepted. Multiples of 16 are not padded inside; for others the map depends a
    little on how far they were padded before, and multiples of 4 are closest to the published networks.

    Args:
        width: channels at full size.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.conv9x9 = nn.Conv2d(3, width, 9, padding=4)
        self.inc = DoubleConv(width, width)
        self.down1 = Down(width, 2 * width)
        self.down2 = Down(2 * width, 4 * width)
        self.down3 = Down(4 * width, 8 * width)
        self.down4 = Down(8 * width, 8 * width)
        self.up1 = Up(16 * width, 4 * width)
        self.up2 = Up(8 * width, 2 * width)
        self.up3 = Up(4 * width, width)
        self.up4 = Up(2 * width, width)
        self.refine = ResidualDenseBlock(width, width // 2)
        self.outc = nn.ModuleDict({"conv": nn.Conv2d(width, 1, 1)})

    def fold(self) -> None:
        """Fold batch norms into the convolutions before them; only for evaluation."""
        fold_norms(self)

    def forward(self, images: Tensor) -> Tensor:
        """Turn frames (N, 3, H, W) in [0, 1], RGB, into maps (N, 1, H, W) in [0, 1] of the same size."""
        return self.magnitude(channels_last((images - GREY).to(self.conv9x9.weight.dtype)))

    def magnitude(self, x: Tensor) -> Tensor:
        """Do so for frames in [-0.5, 0.5]."""
        sizes = [self.inc(self.conv9x9(x))]
        for down in (self.down1, self.down2, self.down3, self.down4):
            sizes.append(down(sizes[-1]))
        x = sizes.pop()
        for up in (self.up1, self.up2, self.up3, self.up4):
            x = up(x, sizes.pop())
        return torch.sigmoid(self.outc["conv"](self.refine(x)))


class DoubleConv(nn.Module):
    """Twice a 3x3 convolution, a batch norm and a ReLU.

    Args:
        inputs: channels that come in.
        outputs: channels of both convolutions.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(*_normed_conv(inputs, outputs), *_normed_conv(outputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, outputs, H, W)."""
        return cast("Tensor", self.double_conv(x))


class Down(nn.Module):
    """Half the size, rounded down, by maximum, then a double convolution; arguments as for `DoubleConv`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, outputs, H // 2, W // 2)."""
        return cast("Tensor", self.maxpool_conv(x))


class Up(nn.Module):
    """Double the size, join the features of that size from the way down, then a double convolution.

    Args:
        inputs: channels of both together.
        outputs: channels that go out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = DoubleConv(inputs, outputs)

    def forward(self, x: Tensor, skipped: Tensor) -> Tensor:
        """Turn (N, C, H // 2, W // 2) and (N, C', H, W) into (N, outputs, H, W)."""
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
        below, right = (skipped.shape[axis] - x.shape[axis] for axis in (-2, -1))
        if below or right:
            x = F.pad(x, (right // 2, right - right // 2, below // 2, below - below // 2))
        return cast("Tensor", self.conv(torch.cat((skipped, x), dim=1)))


def _normed_conv(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no MMP-Net."""
    if any(name not in shapes for name in ("conv9x9.weight", "inc.double_conv.0.weight", "refine.conv1x1.weight")):
        return None
    return {"width": shapes["conv9x9.weight"][0]}
