"""Weights for joining pictures that overlap."""

from __future__ import annotations

import torch
from torch import Tensor


def feather(piece: Tensor, overlap: int) -> Tensor:
    """Return weights (h, w) for ``piece`` (..., h, w): they rise linearly from every edge over ``overlap`` pixels."""
    height, width = piece.shape[-2:]
    return _ramp(piece, height, overlap)[:, None] * _ramp(piece, width, overlap)[None, :]


def _ramp(piece: Tensor, length: int, overlap: int) -> Tensor:
    from_edge = torch.arange(1, length + 1, dtype=torch.float32, device=piece.device)
    nearest = torch.minimum(from_edge, from_edge.flip(0))
    return (nearest / (overlap + 1)).clamp(max=1)
