"""Residual dense blocks: every layer sees what all layers before it gave."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS = 3


class DenseLayer(nn.Module):
    """A 3x3 convolution with GELU whose result is joined to its input.

    Args:
        inputs: channels that come in.
        growth: channels that are added.
    """

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, growth, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, inputs + growth, H, W), old channels first."""
        return torch.cat((x, F.gelu(self.conv(x))), dim=1)


class ResidualDenseBlock(nn.Module):
    """Three dense layers, a 1x1 convolution back to the channels of the input, and the input added.

    Args:
        channels: of input and output.
        growth: channels that each layer adds.

    Source:
        Zhang et al., Residual Dense Network for Image Super-Resolution, CVPR 2018; GELU in place of ReLU.
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.dense_layers = nn.Sequential(*(DenseLayer(channels + k * growth, growth) for k in range(LAYERS)))
        self.conv1x1 = nn.Conv2d(channels + LAYERS * growth, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Refine features, (N, C, H, W) to the same shape."""
        return cast("Tensor", self.conv1x1(self.dense_layers(x)).add_(x))


class ResidualDenseNet(nn.Module):
    """Residual dense blocks in series, whose outputs are all joined and fused; nothing is added at the end.

    Args:
        channels: of input and output.
        growth: channels that each layer of a block adds.
        blocks: number of blocks.
    """

    def __init__(self, channels: int, growth: int, blocks: int) -> None:
        super().__init__()
        self.RDBs = nn.ModuleList(ResidualDenseBlock(channels, growth) for _ in range(blocks))
        self.conv1x1 = nn.Conv2d(blocks * channels, channels, 1)
        self.conv3x3 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Refine features, (N, C, H, W) to the same shape."""
        refined = []
        for block in self.RDBs:
            x = block(x)
            refined.append(x)
        return cast("Tensor", self.conv3x3(self.conv1x1(torch.cat(refined, dim=1))))
