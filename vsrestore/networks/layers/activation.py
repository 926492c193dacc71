"""ReLU, and the leaky ReLU of the EDVR family and of our own networks."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

SLOPE = 0.1

Activation = Callable[[Tensor], Tensor]


def relu(x: Tensor) -> Tensor:
    """ReLU in place: for the fresh output of a convolution."""
    return F.relu(x, inplace=True)


def lrelu(x: Tensor) -> Tensor:
    """Leaky ReLU with slope 0.1, in place: for the fresh output of a convolution."""
    return F.leaky_relu(x, SLOPE, inplace=True)
