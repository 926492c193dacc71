"""What samplers are given: predictions, guided away from a prompt of what is not wanted, and noise."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from vsrestore.networks.diffusion.schedule import STEPS

Predict = Callable[[Tensor, float], Tensor]
"""Takes latents (N, 4, h, w) and the step of training, perhaps a fraction; returns what the UNet says of them."""
Draw = Callable[[], Tensor]
"""Returns the next noise, (N, 4, h, w), standard normal."""
GUIDANCE_POWER = 5


def guided(wanted: Tensor, unwanted: Tensor, scale: float) -> Tensor:
    """Return the prediction that leads away from what is not wanted (Ho, Salimans, arXiv 2207.12598)."""
    return unwanted + scale * (wanted - unwanted)


def ramped(scale: float, time: float) -> float:
    """Return the guidance of a step of training where it rises from 1, in pure noise, to 1 + ``scale``."""
    if scale <= 1:
        return scale
    return 1 + scale * (1 - math.cos(math.pi * ((STEPS - time) / STEPS) ** GUIDANCE_POWER)) / 2
