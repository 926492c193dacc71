"""How the script of RVRT's publishers cuts frames into tiles, and puts the results together."""

from __future__ import annotations

from itertools import product

import torch


def restore(network, frames, tile, overlap):
    """Restore frames (1, T, 3, H, W), all at once, by tiles; `tile` and `overlap`: height and width."""
    scale, (height, width) = network.scale, frames.shape[-2:]
    total = frames.new_zeros(*frames.shape[:3], scale * height, scale * width)
    count = torch.zeros_like(total)
    rows, columns = (starts(*axis) for axis in zip((height, width), tile, overlap, strict=True))
    for y, x in product(rows, columns):
        restored = network(frames[..., y : y + tile[0], x : x + tile[1]])
        inner, area = [], []
        for at, length, margin, side in zip((y, x), tile, overlap, (height, width), strict=True):
            first = margin // 2 if at else 0
            last = scale * length - (margin // 2 if at + length < side else 0)
            inner.append(slice(first, last))
            area.append(slice(scale * at + first, scale * at + last))
        inner, area = (..., *inner), (..., *area)
        total[area] += restored[inner]
        count[area] += 1
    return total / count


def starts(length, tile, overlap):
    """Where tiles begin along an axis."""
    return sorted({*range(0, length - tile, tile - overlap), max(0, length - tile)})
