"""Residual blocks without normalisation, alone and as a trunk behind a first convolution."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from vsrestore.networks.layers.activation import SLOPE, Activation, lrelu, relu


class ResidualBlock(nn.Module):
    """``x + conv2(relu(conv1(x)))`` with two 3x3 convolutions and nothing after the sum.

    Args:
        channels: of input and output.
        activate: what stands for ``relu``.

    Source:
        Lim et al., EDSR, CVPR Workshops 2017, without its residual scaling.
    """

    def __init__(self, channels: int, activate: Activation = relu) -> None:
        super().__init__()
        self.activate = activate
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Refine features, (N, C, H, W) to the same shape."""
        return self.conv2(self.activate.after(self.conv1, x)).add_(x)


class ResidualTrunk(nn.Module):
    """A 3x3 convolution with leaky ReLU that sets the number of channels, then residual blocks.

    Args:
        inputs: channels that come in.
        channels: channels of the blocks and of the output.
        blocks: number of residual blocks.
    """

    def __init__(self, inputs: int, channels: int, blocks: int) -> None:
        super().__init__()
        first = nn.Conv2d(inputs, channels, 3, padding=1)
        self.main = nn.Sequential(first, nn.LeakyReLU(SLOPE, inplace=True), residual_blocks(channels, blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into features (N, channels, H, W)."""
        first, _, blocks = self.main  # the ReLU between them only counts in the published names
        return blocks(lrelu.after(cast("nn.Conv2d", first), x))


def residual_blocks(channels: int, count: int, activate: Activation = relu) -> nn.Sequential:
    """Return ``count`` residual blocks, one after another; ``activate``: as for `ResidualBlock`."""
    return nn.Sequential(*(ResidualBlock(channels, activate) for _ in range(count)))
