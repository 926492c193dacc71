"""Networks in torch whose convolutions with few outputs are split in two steps."""

from __future__ import annotations

from typing import TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .few_outputs import gains, in_two


def split_convolutions(network: nn.Module) -> None:
    """Put convolutions in two steps in the place of those of ``network`` that gain by it; float32, on the CPU."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if _fits(child):
                setattr(parent, name, _TwoSteps(child))


class _TwoSteps(nn.Conv2d):
    """A convolution with the weight and bias of another one."""

    across: Tensor
    down: Tensor

    def __init__(self, conv: nn.Conv2d) -> None:
        outputs, inputs, rows, columns = conv.weight.shape
        assert not isinstance(conv.padding, str)
        self.above, self.left = conv.padding
        super().__init__(inputs, outputs, (rows, columns), padding=(self.above, self.left), device="meta")
        self.weight, self.bias = conv.weight, conv.bias
        for name, step in zip(("across", "down"), in_two(conv.weight.detach().numpy()), strict=True):
            self.register_buffer(name, torch.from_numpy(step), persistent=False)
        self.train(conv.training)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the other one gives."""
        sums = F.conv2d(x, self.across, padding=(0, self.left))
        return F.conv2d(sums, self.down, self.bias, padding=(self.above, 0))


def _fits(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Tell whether a module is an ordinary convolution that gains; one whose weight is worked out anew is none."""
    if type(module) is not nn.Conv2d or module._forward_pre_hooks or module._forward_hooks:
        return False
    if isinstance(module.padding, str) or module.padding_mode != "zeros":
        return False
    ordinary = (module.stride, module.dilation, module.groups) == ((1, 1), (1, 1), 1)
    return ordinary and gains(module.weight.shape)
