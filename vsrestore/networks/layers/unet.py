"""A small U-Net (Ronneberger et al., MICCAI 2015) of residual blocks, the body of our own networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.residual import ResidualBlock, residual_blocks


class UNet(nn.Module):
    """Encoder and decoder over three sizes, each half of the one before, with plain residual blocks.

    Its ReLUs are leaky: without normalisation, features drift below 0 in training, and plain ReLUs die of it.
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int]) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.encode1 = residual_blocks(fine, blocks[0], lrelu)
        self.down1 = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.encode2 = residual_blocks(middle, blocks[1], lrelu)
        self.down2 = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.bottom = residual_blocks(coarse, blocks[2], lrelu)
        self.up2 = nn.Conv2d(coarse, middle, 1)
        self.decode2 = residual_blocks(middle, blocks[3], lrelu)
        self.up1 = nn.Conv2d(middle, fine, 1)
        self.decode1 = residual_blocks(fine, blocks[4], lrelu)

    def forward(self, x: Tensor) -> Tensor:
        """Refine features (N, widths[0], h, w) to the same shape; h and w are multiples of 4."""
        fine = self.encode1(x)
        middle = self.encode2(lrelu.after(self.down1, fine))
        coarse = self.bottom(lrelu.after(self.down2, middle))
        middle = self.decode2(middle + F.interpolate(self.up2(coarse), scale_factor=2.0))
        return self.decode1(fine + F.interpolate(self.up1(middle), scale_factor=2.0))


def unet_settings(shapes: Mapping[str, tuple[int, ...]], name: str) -> dict[str, tuple[int, ...]]:
    """Constructor settings of the ``UNet`` called ``name`` among tensors of these names and shapes."""
    stages = ("encode1", "encode2", "bottom", "decode2", "decode1")
    middle, fine = shapes[f"{name}.down1.weight"][:2]
    return {
        "widths": (fine, middle, shapes[f"{name}.down2.weight"][0]),
        "blocks": tuple(sum(f"{name}.{s}.{i}.conv1.weight" in shapes for i in range(len(shapes))) for s in stages),
    }


def initialise(network: nn.Module) -> None:
    """Keep the size of features through all convolutions of a network (He et al., ICCV 2015); biases are 0."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            nn.init.zeros_(cast("Tensor", part.bias))
    for part in network.modules():
        if isinstance(part, ResidualBlock):
            nn.init.kaiming_normal_(part.conv2.weight, a=3.0, nonlinearity="leaky_relu")
