"""DiffBIR's second stage: detail painted by Stable Diffusion, led by what a first network made of the picture.

Published for single pictures. Here the noise follows from numbers alone, pictures come in batches, and whoever waits
is told how far it is.

Source:
    Lin, He, Chen, Lyu, Dai, Yu, Qiao, Ouyang, Dong, "DiffBIR: Toward Blind Image Restoration with Generative Diffusion
    Prior", ECCV 2024, arXiv 2308.15070; github.com/XPixelGroup/DiffBIR.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.diffusion.colour_fix import Fix, fixed
from vsrestore.networks.diffusion.karras import Stochastic
from vsrestore.networks.diffusion.noise import Noise
from vsrestore.networks.diffusion.samplers import sampled
from vsrestore.networks.diffusion.sampling import Draw, guided, ramped
from vsrestore.networks.diffusion.schedule import STEPS, Schedule
from vsrestore.networks.diffusion.tiling import Tiles, blended
from vsrestore.networks.diffusion.vae import FACTOR, LATENT, pictures_of, standardised

MULTIPLE = 64
"""Pixels of which width and height are multiples, by zeros at the right and the bottom; with tiles, 8 are enough."""
MARGIN = 8
"""Latent pixels by which tiles of the VAE overlap at least."""

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
    """The states of prompts, (1, 77, context) each."""

    wanted: Tensor
    unwanted: Tensor


class DiffBIR(nn.Module):
    """Paint detail on pictures.

    Args:
        unet: of the base model.
        control: DiffBIR's own network.
        encode: pictures to latents.
        decode: latents to pictures.
        prompts: a module whose ``states`` are those of what is wanted and of what is not, (2, 77, context).
        sampling: how.
        fix: how colours are put back.
        seed: of the noise.
        size: height and width of the output.
        still: whether all pictures have the same noise.
        watch: stands around every call of the network.
    """

    def __init__(
        self,
        unet: nn.Module,
        control: nn.Module,
        encode: nn.Module,
        decode: nn.Module,
        prompts: nn.Module,
        *,
        sampling: Sampling,
        fix: Fix,
        seed: int,
        size: tuple[int, int],
        still: bool = True,
        watch: Watch = lambda call: call(),
    ) -> None:
        super().__init__()
        self.unet, self.control, self.encode, self.decode, self.prompts = unet, control, encode, decode, prompts
        self.sampling, self.fix, self.seed, self.size, self.still = sampling, fix, seed, size, still
        self._watch = watch

    def forward(self, frames: Tensor, numbers: Tensor) -> Tensor:
        """Paint.

        Args:
            frames: (K, 1, 3 * H, W), float32: what the first stage made, red, green and blue below each other, about
                in [0, 1].
            numbers: of the frames, (K,).

        Returns:
            (K, 3, *size), not limited to [0, 1].
        """
        faithful = frames.unflatten(2, (3, -1))[:, 0]
        keys = [0 if self.still else number + 1 for number in numbers.tolist()]
        condition = self.condition(faithful)
        noise = Noise(self.seed, keys, (LATENT, *condition.shape[-2:]), frames.device)
        latents = self.latents(condition, noise)
        return resized(self.picture(latents, faithful), self.size)

    def condition(self, faithful: Tensor) -> Tensor:
        """Return the latents (K, 4, h, w) of pictures (K, 3, H, W) in [0, 1]."""
        multiple = FACTOR if self.sampling.tiles else MULTIPLE
        height, width = faithful.shape[-2:]
        whole = standardised(F.pad(faithful, (0, -width % multiple, 0, -height % multiple)))
        tiles = self.sampling.tiles
        if tiles is None:
            return self.encode(whole)
        size = whole.shape[-2] // FACTOR, whole.shape[-1] // FACTOR

        def encoded(rows: slice, columns: slice) -> Tensor:
            return self.encode(whole[..., _pixels(rows), _pixels(columns)])

        return blended(encoded, size, _wider(tiles))

    def latents(self, condition: Tensor, draw: Draw, start: Tensor | None = None) -> Tensor:
        """Sample latents for pictures.

        Args:
            condition: their own latents (K, 4, h, w).
            draw: noise of that size; the first draw is the start, the second one for the augmentation, if any.
            start: in the place of the first draw.
        """
        told = self.sampling
        x = draw() if start is None else start
        if told.start == "picture":
            x = told.schedule.noised(condition, x, STEPS - 1)
        if told.augmentation:
            condition = told.schedule.noised(condition, draw(), told.augmentation)
        prompted = Prompted(*self.prompts.states.to(condition.device).split(1))

        def predict(x: Tensor, time: float) -> Tensor:
            scale = ramped(told.guidance, time) if told.ramp else told.guidance
            return self._watch(lambda: self._predicted(x, time, condition, prompted, scale))

        return sampled(told.sampler, predict, x, told.schedule, told.steps, draw, told.stochastic)

    def picture(self, latents: Tensor, faithful: Tensor) -> Tensor:
        """Return the pictures (K, 3, H, W) of latents, with the colours of the faithful ones put back."""
        tiles = self.sampling.tiles
        if tiles is None:
            decoded = self.decode(latents)
        else:

            def part(rows: slice, columns: slice) -> Tensor:
                return self.decode(latents[..., rows, columns])

            decoded = blended(part, (latents.shape[-2], latents.shape[-1]), _wider(tiles), FACTOR)
        height, width = faithful.shape[-2:]
        return fixed(pictures_of(decoded[..., :height, :width]), faithful, self.fix)

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
        text = torch.cat([prompted.wanted, prompted.unwanted]).repeat_interleave(len(x), 0)
        both = self.asked(x.repeat(2, 1, 1, 1), time, condition.repeat(2, 1, 1, 1), text)
        return guided(*both.chunk(2), scale)

    def asked(self, x: Tensor, time: float, condition: Tensor, text: Tensor) -> Tensor:
        """Return what the UNet says of latents (N, 4, h, w), float32, led by the control branch."""
        dtype = next(self.unet.parameters()).dtype
        seen, there, states = x.to(dtype), condition.to(dtype), text.to(dtype).expand(len(x), -1, -1)
        times = torch.full((len(x),), time, dtype=torch.float32, device=x.device)
        controls = self.control(seen, there, times, states)
        if self.sampling.strength != 1:
            controls = [control * self.sampling.strength for control in controls]
        return self.unet(seen, times, states, controls).float()


class PromptStates(nn.Module):
    """What prompts say, computed once: the text encoder need not be there."""

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        self.register_buffer("states", states)


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Return pictures (N, C, H, W) in another size, as Pillow's bicubic resizes them but without rounding."""
    if tuple(pictures.shape[-2:]) == tuple(size):
        return pictures
    return F.interpolate(pictures.float(), size, mode="bicubic", antialias=True)


def _pixels(latents: slice) -> slice:
    return slice(latents.start * FACTOR, latents.stop * FACTOR)


def _wider(tiles: Tiles) -> Tiles:
    """Return tiles for the VAE: as large, with less overlap, for only its margins need it."""
    return Tiles(tiles.edge, max(tiles.edge - 2 * MARGIN, tiles.stride))
