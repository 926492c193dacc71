"""The statistics by which pictures reach networks that began on ImageNet."""

from __future__ import annotations

import torch
from torch import Tensor


def imagenet_statistics() -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of RGB in [0, 1], each (1, 3, 1, 1)."""
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 1, 3, 1, 1)
    return mean, deviation
