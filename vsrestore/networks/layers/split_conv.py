"""A convolution of concatenated inputs, taken apart into one share per input."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def conv_share(conv: nn.Conv2d, x: Tensor, first: int = 0, bias: bool = False) -> Tensor:
    """Return what one of several concatenated inputs contributes to a convolution.

    ``conv(cat((a, b)))`` equals ``conv_share(conv, a) + conv_share(conv, b, a.shape[1], bias=True)`` up to rounding,
    so the share of an input that many calls have in common needs to be computed only once.

    Args:
        conv: the convolution (groups 1).
        x: one of its inputs, (N, C, H, W).
        first: the channel of the concatenation at which ``x`` begins.
        bias: whether the bias belongs to this share; exactly one share has it.

    Returns:
        (N, outputs, H, W).
    """
    weight = conv.weight[:, first : first + x.shape[1]]
    return F.conv2d(x, weight, conv.bias if bias else None, conv.stride, conv.padding, conv.dilation)
