"""Losses: how far restored frames are from the truth, and how well flows align clean frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.warp import flow_warp

SMOOTH = 1e-3  # of the Charbonnier penalty: below it, errors count quadratically
FLOOR = 1e-5  # mean square error (50 dB) below which the logarithmic loss gains little


def charbonnier(error: Tensor) -> Tensor:
    """A smooth absolute value, element by element (Charbonnier et al., ICIP 1994)."""
    return torch.sqrt(error * error + SMOOTH * SMOOTH) - SMOOTH


def restoration_loss(restored: Tensor, target: Tensor, mask: Tensor, extra: float) -> Tensor:
    """Mean Charbonnier penalty of (N, K, C, H, W) against the target; masked pixels (N, K, 1, H, W) count more."""
    return (charbonnier(restored - target) * (1 + extra * mask)).mean()


def log_error(restored: Tensor, target: Tensor) -> Tensor:
    """Mean over frames of the logarithm of the mean square error: PSNR, up to sign, scale and a floor."""
    errors = (restored - target).square().mean(dim=(-3, -2, -1))
    return torch.log(errors + FLOOR).mean()


def warp_loss(flows: Sequence[Tensor], clean: Tensor, windows: Tensor) -> Tensor:
    """How far clean neighbours, warped by the flows, are from the clean centre; mean over the levels.

    Args:
        flows: (N * K * neighbours, 2, h, w) per level, in pixels of that level.
        clean: (N, T, C, H, W).
        windows: (K, W) as for `TemporalUNet`.
    """
    radius = windows.shape[1] // 2
    sides = torch.cat((windows[:, :radius], windows[:, radius + 1 :]), dim=1)  # (K, neighbours)
    total = clean.new_zeros(())
    for flow in flows:
        level = F.interpolate(clean.flatten(0, 1), size=flow.shape[-2:], mode="area").unflatten(0, clean.shape[:2])
        neighbours = level[:, sides].flatten(0, 2)
        centres = level[:, windows[:, radius]].repeat_interleave(sides.shape[1], dim=1).flatten(0, 1)
        total = total + charbonnier(flow_warp(neighbours, flow, padding="border") - centres).mean()
    return total / len(flows)
