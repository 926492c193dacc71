"""Group norms that compute in float32 whatever the rest computes in, as published."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.float32 import Float32


class GroupNormFloat32(Float32):
    """A group norm in the place of another, whose weights stay float32."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.groups, self.eps = norm.num_groups, norm.eps
        self.weight, self.bias = norm.weight, norm.bias

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, ...)."""
        return torch.group_norm(x.float(), self.groups, self.weight, self.bias, self.eps).to(x.dtype)


def with_float32_norms[Network: nn.Module](network: Network) -> Network:
    """Return a network with its group norms replaced."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.GroupNorm):
                setattr(module, name, GroupNormFloat32(child))
    return network
