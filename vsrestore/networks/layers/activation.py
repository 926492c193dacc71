"""The leaky ReLU of the EDVR family."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

SLOPE = 0.1


def lrelu(x: Tensor) -> Tensor:
    """Leaky ReLU with slope 0.1, in place: for the fresh output of a convolution."""
    return F.leaky_relu(x, SLOPE, inplace=True)
