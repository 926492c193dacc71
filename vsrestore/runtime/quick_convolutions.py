"""Convolutions of networks in torch that the processor computes sooner in steps than in one call."""

from __future__ import annotations

from typing import TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.layers.activation import SteppedConv
from . import few_outputs, winograd


def quicken(network: nn.Module) -> None:
    """Put convolutions in steps in the place of those of ``network`` that gain by it; float32, on the CPU."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if not _is_ordinary(child):
                continue
            if few_outputs.gains(child.weight.shape):
                setattr(parent, name, TwoSteps(child))
            elif winograd.gains(child):
                setattr(parent, name, winograd.Winograd(child))


class TwoSteps(SteppedConv):
    """A convolution with few outputs, first across and then down."""

    across: Tensor
    down: Tensor

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(conv)
        for name, step in zip(("across", "down"), few_outputs.in_two(conv.weight.detach().numpy()), strict=True):
            self.register_buffer(name, torch.from_numpy(step), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the convolution gives in one."""
        sums = F.conv2d(x, self.across, padding=(0, self.left))
        return F.conv2d(sums, self.down, self.bias, padding=(self.above, 0))


def _is_ordinary(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Tell whether a module is a plain convolution; one whose weight is worked out anew at every call is none."""
    if type(module) is not nn.Conv2d or module._forward_pre_hooks or module._forward_hooks:
        return False
    if isinstance(module.padding, str) or module.padding_mode != "zeros":
        return False
    return (module.stride, module.dilation, module.groups) == ((1, 1), (1, 1), 1)
