"""Losses: how far restored frames are from the truth."""

from __future__ import annotations

import torch
from torch import Tensor


def log_error(restored: Tensor, target: Tensor, floor: float) -> Tensor:
    """Mean over frames of the logarithm of the mean square error: PSNR, up to sign and scale.

    Args:
        restored: (N, K, C, H, W).
        target: the same shape.
        floor: mean square error below which little is to be gained. A high floor makes heavily damaged frames count
            more than nearly clean ones, which is what a network learns to repair damage from; a low one makes it leave
            clean frames alone.

    """
    errors = (restored - target).square().mean(dim=(-3, -2, -1))
    return torch.log(errors + floor).mean()
