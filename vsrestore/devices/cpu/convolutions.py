"""Convolutions of networks that the processor computes sooner in another way than the one they are written in.

A convolution keeps its weight, its name and its hooks; only its class changes.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from ...networks.layers.activation import Activation

FUSED_SLOWER = range(33, 49)
"""Outputs for which sums, bias and activation do not fit into the registers in float32: two passes are faster."""


class FusedConv(nn.Conv2d):
    """A convolution that oneDNN computes together with the activation after it, in one pass where that is sooner."""

    def activated(self, x: Tensor, activation: Activation) -> Tensor:
        """Return what the convolution gives for ``x`` (N, C, H, W), activated.

        In float32 the result is that of two passes bit by bit; bfloat16 is rounded once instead of twice.
        """
        if not self._in_one_pass(x):
            return activation(self(x))
        name, scalars = ("leaky_relu", [activation.slope]) if activation.slope else ("relu", [])
        shape = (self.padding, self.stride, self.dilation, self.groups)
        fused: Tensor = torch.ops.mkldnn._convolution_pointwise(x, self.weight, self.bias, *shape, name, scalars, "")
        return fused

    def _in_one_pass(self, x: Tensor) -> bool:
        if torch.is_grad_enabled() or not _offered(x.dtype) or self.padding_mode != "zeros":
            return False
        if x.dtype == torch.float32 and self.out_channels in FUSED_SLOWER:
            return False
        return x.is_contiguous(memory_format=torch.channels_last)


@cache
def _offered(dtype: torch.dtype) -> bool:
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and has_bfloat16())


def has_bfloat16() -> bool:
    """Tell whether convolutions in bfloat16 are computed as such on this processor, and not imitated."""
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
