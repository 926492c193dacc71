"""Samplers over noise levels sigma, in which a latent is the clean one with sigma times normal noise added.

Sigmas, their logarithms and all factors are float32 tensors: the state begins at ten thousand times the size of the
result, and what rounding does there shows in heun, dpm_2 and dpm_2_a. Midpoints are told to the network as the nearest
listed step, as published, which makes those three poor at few steps.

Source:
    Karras, Aittala, Aila, Laine, "Elucidating the Design Space of Diffusion-Based Generative Models", NeurIPS 2022,
    arXiv 2206.00364 (euler, heun); Lu et al., DPM-Solver and DPM-Solver++, arXiv 2206.00927 and 2211.01095 (dpm_2 and
    dpm++); Liu, Ren, Lin, Zhao, PNDM, arXiv 2202.09778 (lms).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vsrestore.networks.diffusion.sampling import Draw, Predict
from vsrestore.networks.diffusion.schedule import STEPS, Schedule

FIRST_ALPHA = 1e-8  # share of picture at the first step, for both kinds of schedule


@dataclass(frozen=True)
class Stochastic:
    """Settings of the published script; their defaults are its own."""

    churn: float = 0.0
    least_churned: float = 0.0
    most_churned: float = 300.0
    noise: float = 1.0
    eta: float = 1.0
    order: int = 1
    """Of "lms"."""


class Levels:
    """The noise levels that a sampler visits, and the clean latent that the network sees at any of them."""

    def __init__(self, predict: Predict, schedule: Schedule, steps: int, draw: Draw, settings: Stochastic) -> None:
        self.draw, self.settings, self.steps = draw, settings, steps
        self._predict, self._schedule = predict, schedule
        self.times, self.sigmas = levels(schedule, steps)

    def clean(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return the clean latent; ``sigma`` is a scalar tensor."""
        shrunk = x / (sigma**2 + 1).sqrt()
        time = self.times[int((self.sigmas - sigma).abs().argmin())]
        prediction = self._predict(shrunk, time)
        if self._schedule.prediction == "v":
            return x / (sigma**2 + 1) - sigma / (sigma**2 + 1).sqrt() * prediction
        return x - sigma * prediction

    def slope(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return how the latent changes with sigma."""
        return (x - self.clean(x, sigma)) / sigma

    def churned(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Return the latent and its sigma with some noise added again, where the settings want that."""
        settings, noise = self.settings, self.draw()  # drawn, as published, even where none is added
        if not settings.churn or not settings.least_churned <= sigma <= settings.most_churned:
            return x, sigma
        higher = sigma * (1 + min(settings.churn / self.steps, math.sqrt(2) - 1))
        return x + noise * settings.noise * (higher**2 - sigma**2).sqrt(), higher

    def noised(self, x: Tensor, amount: Tensor, lower: Tensor) -> Tensor:
        """Return the latent with fresh noise, but at the end."""
        return x + self.draw() * (self.settings.noise * amount) if lower > 0 else x

    def split(self, sigma: Tensor, lower: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sigma that is walked down to, and the noise that is then added to come to ``lower``."""
        fresh = self.settings.eta * (lower**2 * (sigma**2 - lower**2) / sigma**2).sqrt()
        up = torch.minimum(lower, fresh)
        return (lower**2 - up**2).sqrt(), up


def levels(schedule: Schedule, steps: int) -> tuple[list[int], Tensor]:
    """Return the steps of training that are visited, with 0 at the end, and their sigmas, (steps + 1,), float32."""
    times = np.linspace(STEPS - 1, 0, steps, endpoint=False).astype(int)
    alphas = schedule.alphas[times]
    alphas[0] = FIRST_ALPHA
    sigmas = np.sqrt((1 - alphas) / alphas)
    return [*times.tolist(), 0], torch.tensor([*sigmas, 0.0], dtype=torch.float32)


Step = Callable[[Levels, Tensor, int], Tensor]


def euler(at: Levels, x: Tensor, index: int) -> Tensor:
    """Follow the slope."""
    x, sigma = at.churned(x, at.sigmas[index])
    return x + (at.sigmas[index + 1] - sigma) * at.slope(x, sigma)


def heun(at: Levels, x: Tensor, index: int) -> Tensor:
    """Follow the mean of the slopes at both ends."""
    x, sigma = at.churned(x, at.sigmas[index])
    lower = at.sigmas[index + 1]
    slope = at.slope(x, sigma)
    if lower > 0:
        slope = (slope + at.slope(x + (lower - sigma) * slope, lower)) / 2
    return x + (lower - sigma) * slope


def dpm_2(at: Levels, x: Tensor, index: int) -> Tensor:
    """Follow the slope at the geometric mean."""
    x, sigma = at.churned(x, at.sigmas[index])
    lower = at.sigmas[index + 1]
    slope = at.slope(x, sigma)
    if lower > 0:
        middle = _mean_level(sigma, lower)
        slope = at.slope(x + (middle - sigma) * slope, middle)
    return x + (lower - sigma) * slope


def euler_a(at: Levels, x: Tensor, index: int) -> Tensor:
    """Follow the slope further down than wanted, and add noise."""
    sigma, lower = at.sigmas[index], at.sigmas[index + 1]
    down, up = at.split(sigma, lower)
    return at.noised(x + (down - sigma) * at.slope(x, sigma), up, lower)


def dpm_2_a(at: Levels, x: Tensor, index: int) -> Tensor:
    """Follow the slope at the geometric mean further down than wanted, and add noise."""
    sigma, lower = at.sigmas[index], at.sigmas[index + 1]
    down, up = at.split(sigma, lower)
    slope = at.slope(x, sigma)
    if down > 0:
        middle = _mean_level(sigma, down)
        slope = at.slope(x + (middle - sigma) * slope, middle)
    return at.noised(x + (down - sigma) * slope, up, lower)


def dpmpp_2s_a(at: Levels, x: Tensor, index: int) -> Tensor:
    """Take the clean latent half-way down, and add noise."""
    sigma, lower = at.sigmas[index], at.sigmas[index + 1]
    down, up = at.split(sigma, lower)
    clean = at.clean(x, sigma)
    if down == 0:
        return at.noised(x + (down - sigma) * (x - clean) / sigma, up, lower)
    t, end = -sigma.log(), -down.log()
    middle = (t + end) / 2
    halfway = (-middle).exp() / sigma * x - torch.expm1(-(end - t) / 2) * clean
    clean = at.clean(halfway, (-middle).exp())
    return at.noised(down / sigma * x - torch.expm1(-(end - t)) * clean, up, lower)


def dpmpp_sde(at: Levels, x: Tensor, index: int) -> Tensor:
    """Take the clean latent half-way down with noise there, and add noise again."""
    sigma, lower = at.sigmas[index], at.sigmas[index + 1]
    clean = at.clean(x, sigma)
    if lower == 0:
        return x + (lower - sigma) * (x - clean) / sigma
    middle = (-(-sigma.log() - lower.log()) / 2).exp()
    down, up = at.split(sigma, middle)
    halfway = at.noised(down / sigma * x + (1 - down / sigma) * clean, up, lower)
    clean = at.clean(halfway, middle)
    down, up = at.split(sigma, lower)
    return at.noised(down / sigma * x + (1 - down / sigma) * clean, up, lower)


def _mean_level(sigma: Tensor, lower: Tensor) -> Tensor:
    return sigma.log().lerp(lower.log(), 0.5).exp()


@dataclass(frozen=True)
class Memory:
    """Clean latents and widths of earlier steps, the latest first."""

    cleans: tuple[Tensor, ...] = ()
    widths: tuple[Tensor, ...] = ()

    def then(self, clean: Tensor, width: Tensor) -> Memory:
        """Return the memory after one more step."""
        return Memory((clean, *self.cleans[:1]), (width, *self.widths[:1]))


Remembering = Callable[[Levels, Tensor, Tensor, int, Memory], Tensor]


def dpmpp_2m(at: Levels, x: Tensor, clean: Tensor, index: int, memory: Memory) -> Tensor:
    """Extrapolate the clean latent from the step before."""
    sigma, lower = at.sigmas[index], at.sigmas[index + 1]
    width = _width(sigma, lower)
    towards = clean
    if memory.cleans and lower > 0:
        ratio = memory.widths[0] / width
        towards = (1 + 1 / (2 * ratio)) * clean - memory.cleans[0] / (2 * ratio)
    return lower / sigma * x - torch.expm1(-width) * towards


def dpmpp_2m_sde(at: Levels, x: Tensor, clean: Tensor, index: int, memory: Memory) -> Tensor:
    """Extrapolate from the step before, and add noise."""
    sigma, lower = at.sigmas[index], at.sigmas[index + 1]
    if lower == 0:
        return clean
    width, eta = _width(sigma, lower), at.settings.eta
    share = -torch.expm1(-(1 + eta) * width)
    x = lower / sigma * (-eta * width).exp() * x + share * clean
    if memory.cleans:
        x = x + 0.5 * share * (clean - memory.cleans[0]) * (width / memory.widths[0])
    return at.noised(x, _fresh(at, lower, width), lower)


def dpmpp_3m_sde(at: Levels, x: Tensor, clean: Tensor, index: int, memory: Memory) -> Tensor:
    """Extrapolate from the two steps before, and add noise."""
    sigma, lower = at.sigmas[index], at.sigmas[index + 1]
    if lower == 0:
        return clean
    width = _width(sigma, lower)
    whole = (1 + at.settings.eta) * width
    x = (-whole).exp() * x - torch.expm1(-whole) * clean
    second = torch.expm1(-whole) / whole + 1
    if len(memory.cleans) == 1:
        x = x + second * (clean - memory.cleans[0]) / (memory.widths[0] / width)
    elif memory.cleans:
        near, far = (earlier / width for earlier in memory.widths)
        a = (clean - memory.cleans[0]) / near
        b = (memory.cleans[0] - memory.cleans[1]) / far
        bend = (a - b) / (near + far)
        x = x + second * (a + bend * near) - (second / whole - 0.5) * bend
    return at.noised(x, _fresh(at, lower, width), lower)


def _width(sigma: Tensor, lower: Tensor) -> Tensor:
    return -lower.log() - -sigma.log()


def _fresh(at: Levels, lower: Tensor, width: Tensor) -> Tensor:
    return lower * (-torch.expm1(-2 * at.settings.eta * width)).sqrt()


STEPWISE: dict[str, Step] = {
    "edm_euler": euler,
    "edm_euler_a": euler_a,
    "edm_heun": heun,
    "edm_dpm_2": dpm_2,
    "edm_dpm_2_a": dpm_2_a,
    "edm_dpm++_2s_a": dpmpp_2s_a,
    "edm_dpm++_sde": dpmpp_sde,
}
"""Samplers that look at one step alone."""
WITH_MEMORY: dict[str, Remembering] = {
    "edm_dpm++_2m": dpmpp_2m,
    "edm_dpm++_2m_sde": dpmpp_2m_sde,
    "edm_dpm++_3m_sde": dpmpp_3m_sde,
}
"""Samplers that remember the clean latents of the steps before."""


def stepwise(step: Step, at: Levels, x: Tensor) -> Tensor:
    """Walk down all levels."""
    for index in range(at.steps):
        x = step(at, x, index)
    return x


def remembering(step: Remembering, at: Levels, x: Tensor) -> Tensor:
    """Walk down all levels with a memory."""
    memory = Memory()
    for index in range(at.steps):
        clean = at.clean(x, at.sigmas[index])
        x = step(at, x, clean, index, memory)
        if at.sigmas[index + 1] > 0:
            memory = memory.then(clean, _width(at.sigmas[index], at.sigmas[index + 1]))
    return x


def multistep(at: Levels, x: Tensor) -> Tensor:
    """Walk down all levels along the polynomial through the latest slopes."""
    slopes: list[Tensor] = []
    sigmas = at.sigmas.double().numpy()
    for index in range(at.steps):
        slopes = [at.slope(x, at.sigmas[index]), *slopes[: at.settings.order - 1]]
        for power, slope in enumerate(slopes):
            x = x + _integral(sigmas, index, len(slopes), power) * slope
    return x


def _integral(sigmas: np.ndarray, index: int, order: int, which: int) -> float:
    """Integrate, over a step, the Lagrange polynomial that is 1 at one of the latest sigmas and 0 at the others."""
    polynomial = np.polynomial.Polynomial([1.0])
    own = sigmas[index - which]
    for other in range(order):
        if other != which:
            there = sigmas[index - other]
            polynomial *= np.polynomial.Polynomial([-there, 1.0]) / (own - there)
    whole = polynomial.integ()
    return float(whole(sigmas[index + 1]) - whole(sigmas[index]))
