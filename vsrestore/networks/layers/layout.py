"""Layout and size of pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """Lay ``x`` (N, C, H, W) out with channels last, which convolutions on the CPU and on tensor cores prefer."""
    return x.contiguous(memory_format=torch.channels_last)


def channels_first(x: Tensor) -> Tensor:
    """Lay ``x`` (N, C, H, W) out with channels first.

    On the CPU a product with the unit matrix does so, which rounds nothing and is several times faster than to copy.
    """
    if x.device.type != "cpu":
        return x.contiguous()
    unit = torch.eye(x.shape[1], dtype=x.dtype)
    return torch.stack([unit @ picture.flatten(1) for picture in x]).view(x.shape)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of ``x`` (N, C, H, W) until both sizes are multiples."""
    h, w = x.shape[-2:]
    right, below = -w % multiple, -h % multiple
    return F.pad(x, (0, right, 0, below), mode="replicate") if right or below else x
