"""Instance norm without weights, fast with channels last."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-5
LINES = 8  # of a picture whose squares are in memory at once


def instance_norm(x: Tensor) -> Tensor:
    """Return ``x`` (N, C, H, W) with mean 0 and variance 1 in every channel of every picture, channels last."""
    if x.device.type != "cpu" or x.dtype != torch.float32:
        # A batch norm of one picture is the same, and keeps channels last.
        return torch.cat([F.batch_norm(picture, None, None, training=True, eps=EPSILON) for picture in x.split(1)])
    # On the CPU it sums float32 one by one, which is too coarse; PyTorch's own instance norm takes four times as long.
    normed = torch.empty_like(x, memory_format=torch.channels_last)
    for picture, result in zip(x, normed, strict=True):
        _normalise(picture.permute(1, 2, 0), result.permute(1, 2, 0))
    return normed


def _normalise(picture: Tensor, result: Tensor) -> None:
    """Fill ``result`` with the normed ``picture``, both (H, W, C)."""
    height, width, _ = picture.shape
    average = picture.new_full((1, width), 1 / width)  # products with it sum a line, and are fast
    torch.sub(picture, (average @ picture).mean(0), out=result)
    squares = [(average @ lines.square()).sum(0) for lines in result.split(LINES)]
    result.mul_((torch.stack(squares).sum(0) / height + EPSILON).rsqrt_())
