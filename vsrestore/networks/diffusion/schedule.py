"""How much noise a latent holds at each of the 1000 steps of training, and what a prediction says of the clean one.

Source:
    Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", NeurIPS 2020, arXiv 2006.11239; v and the zero
    terminal signal: Lin, Liu, Li, Yang, "Common Diffusion Noise Schedules and Sample Steps are Flawed", WACV 2024,
    arXiv 2305.08891.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from torch import Tensor

Prediction = Literal["eps", "v"]

STEPS = 1000
FIRST_BETA, LAST_BETA = 0.00085, 0.012


@dataclass(frozen=True)
class Schedule:
    """The noise of a base model.

    Args:
        prediction: what its UNet gives: the noise ("eps"), or v, a mixture of noise and picture.
        zero_terminal: whether the last step holds noise alone.
    """

    prediction: Prediction
    zero_terminal: bool

    @cached_property
    def alphas(self) -> np.ndarray:
        """Share of the picture in the variance of a latent, by step of training: (1000,), float64, falling."""
        betas = np.linspace(math.sqrt(FIRST_BETA), math.sqrt(LAST_BETA), STEPS) ** 2
        alphas = np.cumprod(1 - betas)
        if not self.zero_terminal:
            return alphas
        roots = np.sqrt(alphas)
        first, last = roots[0], roots[-1]
        return ((roots - last) * first / (first - last)) ** 2

    def clean(self, x: Tensor, prediction: Tensor, alpha: float) -> Tensor:
        """Return the clean latent that a prediction means for a latent x whose share of picture is ``alpha``."""
        signal, noise = math.sqrt(alpha), math.sqrt(1 - alpha)
        if self.prediction == "v":
            return signal * x - noise * prediction
        return (x - noise * prediction) / signal

    def noise(self, x: Tensor, prediction: Tensor, alpha: float) -> Tensor:
        """Return the noise that a prediction means, as :meth:`clean`."""
        signal, noise = math.sqrt(alpha), math.sqrt(1 - alpha)
        return signal * prediction + noise * x if self.prediction == "v" else prediction

    def noised(self, clean: Tensor, noise: Tensor, step: int) -> Tensor:
        """Return a clean latent with the noise of a step of training, 0 to 999."""
        alpha = float(self.alphas[step])
        return math.sqrt(alpha) * clean + math.sqrt(1 - alpha) * noise
