"""What every network that paints black-and-white frames is wrapped in."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.layout import channels_last


class Painter(nn.Module):
    """Squeeze frames to a square, make them gray, and have a network find their colours.

    Args:
        network: with its weights; from gray (N, 3, size, size) in [0, 1].
        size: edge of the square that the network sees.
        span: of the colours; they are given as c / span + 0.5, which lies in [0, 1].
    """

    ANTIALIAS: ClassVar[bool]
    """Whether the published preparation filters what it makes smaller."""

    def __init__(self, network: nn.Module, size: int, span: float) -> None:
        super().__init__()
        self.network = network
        self.size = size
        self.span = span

    def gray(self, frames: Tensor) -> Tensor:
        """Return the gray picture (N, 1, H, W) of RGB frames (N, 3, H, W), all in [0, 1]."""
        raise NotImplementedError

    def colours(self, painted: Tensor) -> Tensor:
        """Return the two colour planes (N, 2, H, W) of what the network gave."""
        raise NotImplementedError

    def forward(self, frames: Tensor) -> Tensor:
        """Find the colours of frames.

        Args:
            frames: RGB (N, 3, H, W) in [0, 1], float32.

        Returns:
            (N, 3, size, size), float32: the gray picture that the network saw, and the two colour planes.
        """
        square = F.interpolate(frames, (self.size, self.size), mode="bilinear", antialias=self.ANTIALIAS)
        gray = self.gray(square)
        dtype = next(self.network.parameters()).dtype
        painted = self.network(channels_last(gray.expand(-1, 3, -1, -1).to(dtype))).float()
        return torch.cat((gray, self.colours(painted) / self.span + 0.5), dim=1)
