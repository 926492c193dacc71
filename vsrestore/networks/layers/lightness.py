"""Lightness of CIELAB."""

from __future__ import annotations

import torch
from torch import Tensor

from vsrestore.networks.layers.constant import constant

LUMINANCE = (0.212671, 0.715160, 0.072169)  # of linear sRGB


def gray_of_same_lightness(rgb: Tensor) -> Tensor:
    """Return the gray (N, 1, H, W) with the lightness L of pictures (N, 3, H, W), both sRGB in [0, 1]."""
    rgb = rgb.clamp(0, 1)
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    weights = constant(LUMINANCE, rgb, torch.float32).view(1, 3, 1, 1)
    luminance = (linear * weights).sum(1, keepdim=True)
    return torch.where(luminance > 0.0031308, 1.055 * luminance ** (1 / 2.4) - 0.055, 12.92 * luminance)
