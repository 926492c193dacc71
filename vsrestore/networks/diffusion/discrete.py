"""Samplers that walk along the steps of training: spaced (ancestral), DDIM and DPM-Solver++ in continuous time.

Source:
    Ho, Jain, Abbeel, DDPM, NeurIPS 2020, arXiv 2006.11239 ("spaced"); Song, Meng, Ermon, DDIM, ICLR 2021,
    arXiv 2010.02502; Lu, Zhou, Bao, Chen, Li, Zhu, DPM-Solver++, arXiv 2211.01095 ("dpm++_m2").
"""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from vsrestore.networks.diffusion.sampling import Draw, Predict
from vsrestore.networks.diffusion.schedule import STEPS, Schedule

LEAST_LOG_SNR = -5.1  # half the logarithm of the signal-to-noise ratio; steps with less are left out
LOWER_ORDER_BELOW = 10  # steps: fewer end with a step of first order


def spaced(predict: Predict, x: Tensor, schedule: Schedule, steps: int, draw: Draw) -> Tensor:
    """Walk down ``steps`` evenly spaced steps of training, adding fresh noise at each but the last."""
    times = spaced_times(steps)
    for time, lower in zip(times, [*times[1:], None], strict=True):
        alpha, previous = float(schedule.alphas[time]), 1.0 if lower is None else float(schedule.alphas[lower])
        beta = 1 - alpha / previous
        clean = schedule.clean(x, predict(x, time), alpha)
        mean = beta * math.sqrt(previous) / (1 - alpha) * clean
        mean = mean + (1 - previous) * math.sqrt(1 - beta) / (1 - alpha) * x
        noise = draw()  # the last one's, too: the draws of later samplers are counted as published
        x = mean if lower is None else mean + math.sqrt(beta * (1 - previous) / (1 - alpha)) * noise
    return x


def spaced_times(steps: int) -> list[int]:
    """Return the steps of training that "spaced" visits, falling."""
    if steps == 1:
        return [0]
    return [round(index * (STEPS - 1) / (steps - 1)) for index in reversed(range(steps))]


def ddim(predict: Predict, x: Tensor, schedule: Schedule, steps: int, draw: Draw) -> Tensor:
    """Walk down every so many steps of training without noise; where 1000 is no multiple, there is one step more."""
    times = ddim_times(steps)
    for time, lower in zip(times, [*times[1:], 0], strict=True):
        alpha, previous = float(schedule.alphas[time]), float(schedule.alphas[lower])
        prediction = predict(x, time)
        clean, noise = schedule.clean(x, prediction, alpha), schedule.noise(x, prediction, alpha)
        x = math.sqrt(previous) * clean + math.sqrt(1 - previous) * noise
        draw()  # of the published code, which multiplies it by 0
    return x


def ddim_times(steps: int) -> list[int]:
    """Return the steps of training that "ddim" visits, falling; `check_steps` refuses those beyond the last."""
    return list(range(1, STEPS + 1, STEPS // steps))[::-1]


def dpmpp_m2(predict: Predict, x: Tensor, schedule: Schedule, steps: int, draw: Draw) -> Tensor:
    """Solve the flow with two steps' memory, times being fractions of the steps of training; no noise is drawn."""
    grid = _LogSnr(schedule)
    times = np.linspace(1, 1 / grid.count, steps + 1)
    signals, noises = (np.array(values) for values in zip(*map(grid.at, times), strict=True))
    logs = np.log(signals) - np.log(noises)
    last, last_width = None, 0.0
    for index in range(steps):
        alpha = float(signals[index] ** 2)
        time = float((times[index] - 1 / grid.count) * STEPS)
        clean = schedule.clean(x, predict(x, time), alpha)
        width = float(logs[index + 1] - logs[index])
        towards = clean
        ends = index == steps - 1 and steps < LOWER_ORDER_BELOW
        if last is not None and not ends:
            towards = clean + (clean - last) * (0.5 * width / last_width)
        x = float(noises[index + 1] / noises[index]) * x - float(signals[index + 1]) * math.expm1(-width) * towards
        last, last_width = clean, width
    return x


class _LogSnr:
    """The logarithm of the signal at times from 0 to 1, linear between the steps of training."""

    def __init__(self, schedule: Schedule) -> None:
        with np.errstate(divide="ignore"):
            logs = 0.5 * np.log(schedule.alphas)
            log_snr = logs - 0.5 * np.log(1 - schedule.alphas)
        self.logs = logs[log_snr >= LEAST_LOG_SNR]
        self.count = len(self.logs)
        self._grid = np.arange(1, self.count + 1) / self.count

    def at(self, time: float) -> tuple[float, float]:
        """Return the factors of signal and noise at a time."""
        log = float(np.interp(time, self._grid, self.logs))
        return math.exp(log), math.sqrt(-math.expm1(2 * log))
