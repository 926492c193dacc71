"""Sums over boxes of neighbouring elements, by doubling: many times faster than pooling on a processor."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def box_sum(x: Tensor, size: int, dim: int) -> Tensor:
    """Sum of every ``size`` consecutive elements of ``x`` along ``dim``, which becomes ``size - 1`` shorter.

    Sums of 1, 2, 4, ... elements are made from each other; those that the size is made of are added up.
    """
    length = x.shape[dim] - size + 1
    total, offset, power, run = None, 0, 1, x
    while True:
        if size & power:
            part = run.narrow(dim, offset, length)
            total = part if total is None else total + part
            offset += power
        power *= 2
        if power > size:
            assert total is not None
            return total
        step = power // 2
        run = run.narrow(dim, 0, run.shape[dim] - step) + run.narrow(dim, step, run.shape[dim] - step)


def box_mean(x: Tensor, sizes: Sequence[int]) -> Tensor:
    """Mean of the box around every element of ``x`` (N, C, H, W), the border repeated.

    Args:
        x: what to average.
        sizes: height and width of the box, both odd.
    """
    tall, wide = sizes
    around = F.pad(x, (wide // 2, wide // 2, tall // 2, tall // 2), mode="replicate")
    return box_sum(box_sum(around, wide, -1), tall, -2) / (tall * wide)


def halve(x: Tensor) -> Tensor:
    """Mean of every 2x2 elements of ``x`` (N, C, H, W) with even H and W: (N, C, H / 2, W / 2)."""
    rows = x[..., 0::2, :] + x[..., 1::2, :]
    return (rows[..., 0::2] + rows[..., 1::2]) * 0.25
