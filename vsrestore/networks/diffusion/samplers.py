"""The samplers by name, and how one is run."""

from __future__ import annotations

from torch import Tensor

from vsrestore.networks.diffusion import discrete, karras
from vsrestore.networks.diffusion.karras import Levels, Stochastic
from vsrestore.networks.diffusion.sampling import Draw, Predict
from vsrestore.networks.diffusion.schedule import STEPS, Schedule
from vsrestore.networks.state_dict import NetworkError

DISCRETE = {"spaced": discrete.spaced, "ddim": discrete.ddim, "dpm++_m2": discrete.dpmpp_m2}
MULTISTEP = "edm_lms"
SAMPLERS = (*DISCRETE, *karras.STEPWISE, *karras.WITH_MEMORY, MULTISTEP)
LEAST_STEPS = {"spaced": 2, "dpm++_m2": 2}
"""Sampler -> the fewest steps that it can go; 1 for all others."""
TWICE = ("edm_heun", "edm_dpm_2", "edm_dpm_2_a", "edm_dpm++_2s_a", "edm_dpm++_sde")
"""Samplers that ask the network twice in each step but the last."""


def sampled(
    sampler: str,
    predict: Predict,
    start: Tensor,
    schedule: Schedule,
    steps: int,
    draw: Draw,
    settings: Stochastic | None = None,
) -> Tensor:
    """Return the clean latent that a sampler comes to.

    Args:
        sampler: one of ``SAMPLERS``.
        predict: the guided network.
        start: (N, 4, h, w), float32, standard normal, or a clean latent with the noise of the last step of training.
        schedule: of the network.
        steps: at least those of :func:`check_steps`.
        draw: the noise of the steps.
        settings: of the ``edm_`` samplers.
    """
    if sampler in DISCRETE:
        return DISCRETE[sampler](predict, start, schedule, steps, draw)
    at = Levels(predict, schedule, steps, draw, settings or Stochastic())
    x = start * (at.sigmas[0] ** 2 + 1).sqrt()
    if sampler == MULTISTEP:
        return karras.multistep(at, x)
    if sampler in karras.WITH_MEMORY:
        return karras.remembering(karras.WITH_MEMORY[sampler], at, x)
    return karras.stepwise(karras.STEPWISE[sampler], at, x)


def check_steps(sampler: str, steps: int) -> None:
    """Raise ``NetworkError`` unless a sampler can go so many steps."""
    least = LEAST_STEPS.get(sampler, 1)
    if not least <= steps < STEPS:
        raise NetworkError(f"steps={steps}; {sampler} takes {least} to {STEPS - 1}")
    if sampler == "ddim" and max(discrete.ddim_times(steps)) >= STEPS:
        next_best = next(n for n in range(steps, STEPS) if max(discrete.ddim_times(n)) < STEPS)
        raise NetworkError(
            f"steps={steps} leads ddim beyond the last step of training; take {next_best}, or a divisor of 1000"
        )


def calls_of(sampler: str, steps: int) -> int:
    """Return how often a sampler asks the network for ``steps`` steps."""
    if sampler == "ddim":
        return len(discrete.ddim_times(steps))
    return 2 * steps - 1 if sampler in TWICE else steps
