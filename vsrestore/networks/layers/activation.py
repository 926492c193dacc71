"""ReLU, and the leaky ReLU of the EDVR family and of our own networks, alone and together with a convolution."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.1
TOO_MANY = range(33, 49)
"""Outputs for which sums, bias and activation do not fit into the registers in float32: two passes are faster."""


class SteppedConv(nn.Conv2d):
    """A convolution in steps of its own, with the weight and bias of ``conv`` (stride 1, zeros around the picture)."""

    def __init__(self, conv: nn.Conv2d) -> None:
        assert not isinstance(conv.padding, str)
        above, left = conv.padding
        outputs, inputs, rows, columns = conv.weight.shape
        super().__init__(inputs, outputs, (rows, columns), padding=(above, left), device="meta")
        self.above, self.left = above, left
        self.weight, self.bias = conv.weight, conv.bias
        self.train(conv.training)

    def takes(self, x: Tensor) -> bool:
        """Tell whether ``x`` is convolved in these steps and not in one call."""
        return True

    def activated(self, x: Tensor, activation: Callable[[Tensor], Tensor]) -> Tensor:
        """Return what it gives for an ``x`` that it takes, activated by a function that works in place."""
        return activation(self(x))


class Activation:
    """A ReLU, leaky where ``slope`` is not 0. Called with a tensor it works in place: on what was just computed."""

    def __init__(self, slope: float = 0.0) -> None:
        self.slope = slope

    def __call__(self, x: Tensor) -> Tensor:
        """Activate ``x`` in place and return it."""
        return F.leaky_relu(x, self.slope, inplace=True) if self.slope else F.relu(x, inplace=True)

    def after(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """Return what ``conv`` gives for ``x`` (N, C, H, W), activated.

        On the CPU both are one pass where that is faster, which spares a read and a write of all features. In float32
        the result is the same bit by bit; bfloat16 is rounded once instead of twice.
        """
        if isinstance(conv, SteppedConv) and conv.takes(x):
            return conv.activated(x, self)
        if not _in_one_pass(conv, x):
            return self(conv(x))
        name, scalars = ("leaky_relu", [self.slope]) if self.slope else ("relu", [])
        shape = (conv.padding, conv.stride, conv.dilation, conv.groups)
        fused: Tensor = torch.ops.mkldnn._convolution_pointwise(x, conv.weight, conv.bias, *shape, name, scalars, "")
        return fused


relu = Activation()
lrelu = Activation(SLOPE)


def _in_one_pass(conv: nn.Conv2d, x: Tensor) -> bool:
    """Tell whether oneDNN does convolution and activation together, and sooner; it has no gradients."""
    if torch.is_grad_enabled() or x.device.type != "cpu" or not _offered(x.dtype):
        return False
    if x.dtype == torch.float32 and conv.out_channels in TOO_MANY:
        return False
    return conv.padding_mode == "zeros" and x.is_contiguous(memory_format=torch.channels_last)


@cache
def _offered(dtype: torch.dtype) -> bool:
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported())
