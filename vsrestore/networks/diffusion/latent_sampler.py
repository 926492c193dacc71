"""What paints latents: a UNet led by a control branch, asked step by step by a sampler.

Source: as of ``diffbir.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Self

import torch
from torch import Tensor, nn

from vsrestore.networks.diffusion.karras import Stochastic
from vsrestore.networks.diffusion.samplers import sampled
from vsrestore.networks.diffusion.sampling import Draw, guided, ramped
from vsrestore.networks.diffusion.schedule import STEPS, Schedule
from vsrestore.networks.diffusion.tiling import Tiles, blended

Start = Literal["noise", "picture"]
Watch = Callable[[Callable[[], Tensor]], Tensor]
"""Calls what it is given and returns what that gives; or raises, to cancel."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How latents are sampled; names and defaults as for the filter ``diffbir``."""

    schedule: Schedule
    sampler: str
    steps: int
    guidance: float
    ramp: bool = False
    """Whether the guidance rises from 1 in the course of the steps."""
    strength: float = 1.0
    start: Start = "noise"
    augmentation: int = 0
    """Step of training whose noise the picture's latents get; 0: none."""
    stochastic: Stochastic = field(default_factory=Stochastic)
    tiles: Tiles | None = None


@dataclass(frozen=True)
class Prompted:
    """The states of prompts for a batch of N pictures."""

    wanted: Tensor
    """(N, 77, context)."""
    both: Tensor
    """(2 N, 77, context): what is not wanted after what is."""

    @classmethod
    def of(cls, states: Tensor, count: int) -> Self:
        """Return the states (2, 77, context) of what is wanted and of what is not for so many pictures."""
        both = states.repeat_interleave(count, 0)
        return cls(both[:count], both)


class LatentSampler(nn.Module):
    """Paint latents.

    Args:
        unet: of the base model.
        control: DiffBIR's own network.
        states: of what is wanted and of what is not, (2, 77, context).
        sampling: how.
        watch: stands around every call of the networks.
    """

    def __init__(
        self,
        unet: nn.Module,
        control: nn.Module,
        states: Tensor,
        sampling: Sampling,
        watch: Watch = lambda call: call(),
    ) -> None:
        super().__init__()
        self.unet, self.control, self.sampling, self._watch = unet, control, sampling, watch
        self.register_buffer("states", states)

    def forward(self, condition: Tensor, draw: Draw) -> Tensor:
        """Sample latents for pictures.

        Args:
            condition: their own latents (K, 4, h, w), float32.
            draw: noise of that size; the first draw is the start, the second one for the augmentation, if any.

        Returns:
            (K, 4, h, w), float32.
        """
        sampling, x = self.sampling, draw()
        if sampling.start == "picture":
            x = sampling.schedule.noised(condition, x, STEPS - 1)
        if sampling.augmentation:
            condition = sampling.schedule.noised(condition, draw(), sampling.augmentation)
        prompted = Prompted.of(self.get_buffer("states"), len(x))

        def predict(x: Tensor, time: float) -> Tensor:
            scale = ramped(sampling.guidance, time) if sampling.ramp else sampling.guidance
            return self._watch(lambda: self._predicted(x, time, condition, prompted, scale))

        return sampled(sampling.sampler, predict, x, sampling.schedule, sampling.steps, draw, sampling.stochastic)

    def _predicted(self, x: Tensor, time: float, condition: Tensor, prompted: Prompted, scale: float) -> Tensor:
        """Return the guided prediction, whole or tile by tile."""
        if self.sampling.tiles is None:
            return self.guided(x, time, condition, prompted, scale)

        def part(rows: slice, columns: slice) -> Tensor:
            there = (..., rows, columns)
            return self.guided(x[there], time, condition[there], prompted, scale)

        return blended(part, (x.shape[-2], x.shape[-1]), self.sampling.tiles)

    def guided(self, x: Tensor, time: float, condition: Tensor, prompted: Prompted, scale: float) -> Tensor:
        """Ask control branch and UNet, both prompts in one batch; with a guidance of 1 only what is wanted."""
        if scale == 1:
            return self.asked(x, time, condition, prompted.wanted)
        both = self.asked(x.repeat(2, 1, 1, 1), time, condition.repeat(2, 1, 1, 1), prompted.both)
        wanted, unwanted = both.chunk(2)
        return guided(wanted, unwanted, scale)

    def asked(self, x: Tensor, time: float, condition: Tensor, text: Tensor) -> Tensor:
        """Return what the UNet says of latents (N, 4, h, w), float32, led by the control branch."""
        latents, cleaned = x.to(text.dtype), condition.to(text.dtype)
        times = torch.full((len(x),), time, dtype=torch.float32, device=x.device)
        controls = self.control(latents, cleaned, times, text)
        if self.sampling.strength != 1:
            controls = [control * self.sampling.strength for control in controls]
        return self.unet(latents, times, text, controls).float()
