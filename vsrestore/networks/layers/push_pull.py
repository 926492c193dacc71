"""Holes filled smoothly from what surrounds them, by a pyramid (Gortler et al., "The Lumigraph", SIGGRAPH 1996)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def push_pull(values: Tensor, known: Tensor) -> Tensor:
    """Return ``values`` where they are known, and elsewhere what blends smoothly into those around.

    Every size halves the one before: 2x2 elements become the mean of those that are known. On the way back, what is not
    known is taken from the smaller size, enlarged.

    Args:
        values: (N, C, H, W).
        known: (N, 1, H, W), how far they are known, 0 to 1.

    Returns:
        (N, C, H, W); 0 in those of the N where nothing is known.
    """
    height, width = values.shape[-2:]
    if max(height, width) == 1:
        return values * (known > 0)
    even = (0, width % 2, 0, height % 2)
    weights = F.avg_pool2d(F.pad(known, even), 2)
    sums = F.avg_pool2d(F.pad(values * known, even), 2)
    smaller = push_pull(sums / weights.clamp(min=torch.finfo(weights.dtype).tiny), (4 * weights).clamp(max=1))
    size = (height + height % 2, width + width % 2)
    around = F.interpolate(smaller, size, mode="bilinear", align_corners=False)[..., :height, :width]
    return torch.lerp(around, values, known)
