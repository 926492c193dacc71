"""Luma of BT.601."""

from __future__ import annotations

from torch import Tensor

LUMA = (0.299, 0.587, 0.114)


def luma(frames: Tensor) -> Tensor:
    """Luma (N, 1, H, W) of frames (N, 3, H, W)."""
    red, green, blue = LUMA
    return frames[:, :1] * red + frames[:, 1:2] * green + frames[:, 2:] * blue
