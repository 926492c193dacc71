"""Memory layout."""

from __future__ import annotations

import torch
from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """Lay ``x`` (N, C, H, W) out with channels last, which convolutions on the CPU and on tensor cores prefer."""
    return x.contiguous(memory_format=torch.channels_last)
