"""Layout and size of pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """Lay ``x`` (N, C, H, W) out with channels last, which convolutions on the CPU and on tensor cores prefer."""
    return x.contiguous(memory_format=torch.channels_last)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of ``x`` (N, C, H, W) until both sizes are multiples."""
    h, w = x.shape[-2:]
    right, below = -w % multiple, -h % multiple
    return F.pad(x, (0, right, 0, below), mode="replicate") if right or below else x
