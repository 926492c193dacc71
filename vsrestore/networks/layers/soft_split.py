"""Overlapping patches of features as tokens, and back.

A patch is 7 pixels wide and begins 3 pixels after the one before. To cut patches and to multiply each by a matrix is a
convolution, to multiply tokens and to add the patches up a transposed one; so they are computed, and no patch is ever
written down.

Source:
    Liu et al., FuseFormer, ICCV 2021, arXiv 2109.02974.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH, STRIDE, PADDING = 7, 3, 3


class SoftSplit(nn.Conv2d):
    """Tokens of overlapping patches.

    Args:
        channels: of the features.
        tokens: length of a token.
    """

    def __init__(self, channels: int, tokens: int) -> None:
        super().__init__(channels, tokens, PATCH, STRIDE, PADDING)


class SoftComposition(nn.Module):
    """Patches made of tokens, added up where they overlap.

    Args:
        tokens: length of a token.
        channels: of the features.
    """

    def __init__(self, tokens: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(tokens, channels, PATCH, PATCH))
        self.bias = nn.Parameter(torch.zeros(channels, PATCH, PATCH))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        """Take tokens (N, tokens, fh, fw) to features (N, channels, H, W) of a size (H, W)."""
        one = tokens.new_ones(1, 1, *tokens.shape[-2:])
        return added_up(tokens, self.weight, size).add_(added_up(one, self.bias[None], size))


class FusionFeedForward(nn.Module):
    """Two layers of a transformer's block between which overlapping patches are brought to agree.

    Args:
        tokens: length of a token.
        channels: of the features that tokens are spread out to.
    """

    def __init__(self, tokens: int, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Sequential(SoftComposition(tokens, channels))
        self.fc2 = nn.Sequential(nn.Identity(), SoftSplit(channels, tokens))

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        """Take tokens (N, tokens, fh, fw) of features of a size (H, W) to tokens.

        The activation is 0 at 0, so it is computed before the patches are cut, once for every pixel.
        """
        return self.fc2[1](F.gelu(self.fc1[0](tokens, size).div_(overlaps(tokens, size))))


def added_up(tokens: Tensor, weight: Tensor, size: tuple[int, int]) -> Tensor:
    """Make patches of tokens (N, D, fh, fw) by a weight (D, C, 7, 7), and add them up: (N, C, H, W)."""
    covered = [(count - 1) * STRIDE + PATCH - 2 * PADDING for count in tokens.shape[-2:]]
    beyond = [length - part for length, part in zip(size, covered, strict=True)]
    return F.conv_transpose2d(tokens, weight, stride=STRIDE, padding=PADDING, output_padding=beyond)


def overlaps(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """Count the patches that cover every pixel: (1, 1, H, W)."""
    ones = tokens.new_ones(1, 1, *tokens.shape[-2:])
    return added_up(ones, tokens.new_ones(1, 1, PATCH, PATCH), size)


def split_kernel(value: Any) -> Any:
    """Return a matrix (tokens, channels * 49), or its shape, as the kernel of `SoftSplit`."""
    if isinstance(value, Tensor):
        return value.view(len(value), -1, PATCH, PATCH)
    return value[0], value[1] // PATCH**2, PATCH, PATCH


def composition_kernel(value: Any) -> Any:
    """Return a matrix (channels * 49, tokens) or a bias (channels * 49), or its shape, as `SoftComposition` has it."""
    if isinstance(value, Tensor):
        return value.t().view(*value.shape[1:], -1, PATCH, PATCH)
    return *value[1:], value[0] // PATCH**2, PATCH, PATCH
