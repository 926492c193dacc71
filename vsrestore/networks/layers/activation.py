"""ReLU, and the leaky ReLU of the EDVR family and of our own networks, alone and after a convolution."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

SLOPE, STEEP = 0.1, 0.2


class Activation:
    """A ReLU, leaky where ``slope`` is not 0. Called with a tensor it works in place: on what was just computed."""

    def __init__(self, slope: float = 0.0) -> None:
        self.slope = slope

    def __call__(self, x: Tensor) -> Tensor:
        """Activate ``x`` in place and return it."""
        return F.leaky_relu(x, self.slope, inplace=True) if self.slope else F.relu(x, inplace=True)

    def after(self, conv: nn.Module, x: Tensor) -> Tensor:
        """Return what ``conv`` gives for ``x`` (N, C, H, W), activated: by itself, if it is a kind that does both."""
        both: Callable[[Tensor, Activation], Tensor] | None = getattr(conv, "activated", None)
        return self(conv(x)) if both is None else both(x, self)


relu = Activation()
lrelu = Activation(SLOPE)
steep_lrelu = Activation(STEEP)
