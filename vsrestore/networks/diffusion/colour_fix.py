"""Colours put back: the soft ones of a faithful picture under the detail of an invented one."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 5
KERNEL = (0.25, 0.5, 0.25)
LEAST_VARIANCE = 1e-5

Fix = Literal["wavelet", "adain", "none"]


def low(pictures: Tensor) -> Tensor:
    """Return the soft part of pictures (N, C, H, W): five blurs, each twice as wide as the one before."""
    channels = pictures.shape[1]
    row = pictures.new_tensor(KERNEL)
    kernel = (row[:, None] * row).expand(channels, 1, 3, 3)
    for level in range(LEVELS):
        wide = 2**level
        around = F.pad(pictures, (wide,) * 4, mode="replicate")
        pictures = F.conv2d(around, kernel, dilation=wide, groups=channels)
    return pictures


def wavelet(pictures: Tensor, faithful: Tensor) -> Tensor:
    """Return pictures with the soft part of faithful ones in the place of their own; (N, C, H, W) both."""
    return pictures - low(pictures - faithful)


def adain(pictures: Tensor, faithful: Tensor) -> Tensor:
    """Return pictures with the mean and deviation of faithful ones in every channel; (N, C, H, W) both.

    Source:
        Huang, Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017,
        arXiv 1703.06868.
    """
    (mean, deviation), (wanted_mean, wanted) = _statistics(pictures), _statistics(faithful)
    return (pictures - mean) / deviation * wanted + wanted_mean


def _statistics(pictures: Tensor) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(pictures, dim=(2, 3), keepdim=True)
    return mean, (variance + LEAST_VARIANCE).sqrt()


def fixed(pictures: Tensor, faithful: Tensor, fix: Fix) -> Tensor:
    """Return pictures in [0, 1] with their colours put back in a way."""
    if fix == "none":
        return pictures
    return (wavelet if fix == "wavelet" else adain)(pictures, faithful)
