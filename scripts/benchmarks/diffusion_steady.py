"""How still DiffBIR's detail holds, frame after frame, by the ways in which noise and detail are kept.

Small networks with seeded weights paint on clips that were made small and large again. What such networks paint has
nothing to do with the picture but that it follows from it; so the figures tell how ways compare, not how trained
weights flicker.

Flicker is that of the error against the clip itself along its own motion, in codes of 8 bits: what moves with the
picture costs nothing. Carried noise and the moved result are tried here alone; the filter has neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsrestore.comparison.measures import Flicker
from vsrestore.networks.diffusion import karras
from vsrestore.networks.diffusion.diffbir import DiffBIR
from vsrestore.networks.diffusion.latent_sampler import LatentSampler, Prompted, Sampling
from vsrestore.networks.diffusion.noise import normal
from vsrestore.networks.diffusion.sampling import Draw
from vsrestore.networks.diffusion.schedule import Schedule
from vsrestore.networks.diffusion.vae import FACTOR, LATENT
from vsrestore.networks.layers.block_matching import MULTIPLE, BlockSearch
from vsrestore.networks.layers.layout import pad_to_multiple
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.steady_detail import SteadyDetail

from .diffusion import GAIN, SMALL, SMALL_VAE, networks
from .material import find_clips, read_frames
from .published import seeded
from .report import Cell, Report

PATTERNS = ("d02*", "d03*", "d05*")
FRAMES, WIDTH = 8, 256
ENLARGED = 4
STEPS, GUIDANCE = 4, 4.0
RADII = (1, 2)
COLUMNS = ("clip", "way", "flicker of the error", "flicker", "detail")

Paint = Callable[[DiffBIR, Tensor, Tensor], Tensor]
"""Takes the network, faithful pictures (T, 3, H, W) and the flow from each to the one before; returns them painted."""


def run(folder: Path, patterns: Sequence[str]) -> list[Report]:
    """Paint every clip in every way."""
    rows: list[Sequence[Cell]] = []
    network = small_network()
    for path in find_clips(folder, patterns):
        frames = torch.from_numpy(read_frames(path, FRAMES, WIDTH)).permute(0, 3, 1, 2)
        truth = frames[..., : frames.shape[2] // 8 * 8, : frames.shape[3] // 8 * 8].contiguous()
        with torch.inference_mode():
            rows += [(path.stem, *row) for row in measured(truth, pictures_of(network, truth))]
    return [Report("diffusion-steady", COLUMNS, rows)]


def small_network() -> DiffBIR:
    """Return the second stage with seeded weights."""
    made = [with_alive_norms(seeded(network, GAIN)) for network in networks(SMALL, SMALL_VAE)]
    unet, control, vae = made
    states = normal((1,), (2, 77, int(SMALL["context"])))  # type: ignore[call-overload]
    sampling = Sampling(
        schedule=Schedule("v", zero_terminal=True), sampler="edm_dpm++_3m_sde", steps=STEPS, guidance=GUIDANCE
    )
    sampler = LatentSampler(unet, control, states, sampling)
    parts = sampler, vae.get_submodule("encode"), vae.get_submodule("decode")
    return DiffBIR(*parts, tiles=None, fix="wavelet", seed=231, size=(0, 0)).eval()


def with_alive_norms(network: nn.Module) -> nn.Module:
    """Return a network with seeded weights whose norms scale by about one."""
    for name, weight in network.named_parameters():
        if weight.ndim == 1 and name.endswith("weight"):
            weight.data += 1
    return network


def pictures_of(network: DiffBIR, truth: Tensor) -> dict[str, Tensor]:
    """Return what every way makes of a clip (T, 3, H, W)."""
    height, width = truth.shape[-2:]
    small = F.interpolate(truth, (height // ENLARGED, width // ENLARGED), mode="bicubic", antialias=True)
    faithful = F.interpolate(small, (height, width), mode="bicubic", antialias=True).clamp(0, 1)
    flow = backward_flow(faithful)
    painted = {name: paint(network, faithful, flow).clamp(0, 1) for name, paint in WAYS.items()}
    steady, last = SteadyDetail(), len(truth) - 1
    for radius in RADII:
        rows = [[min(max(n, 0), last) for n in range(c - radius, c + radius + 1)] for c in range(last + 1)]
        for name in (EACH, SAME, CARRIED):
            averaged = steady(painted[name][None], torch.tensor(rows), faithful[None])[0]
            painted[f"{name}, averaged over {2 * radius + 1}"] = averaged
    return {"stage 1": faithful, **painted}


def measured(truth: Tensor, pictures: Mapping[str, Tensor]) -> list[tuple[str, float, float, float]]:
    """Return a row for every way: flicker of its error and of itself, and how much was painted."""
    faithful = pictures["stage 1"]
    flicker, found = Flicker(), []
    for n in range(len(truth)):
        shown = {"truth": codes(truth[n])}
        for name, frames in pictures.items():
            # Half the error fits into 8 bits.
            shown[f"error {name}"] = codes((frames[n] - truth[n]) / 2 + 128 / 255)
            shown[name] = codes(frames[n])
        found.append(flicker.follow(shown, begins_shot=not n))
    rows = []
    for name, frames in pictures.items():
        error, own = (fmean(row[key] or 0.0 for row in found[1:]) for key in (f"error {name}", name))
        rows.append((name, 2 * error, own, 255 * (luma(frames) - luma(faithful)).abs().mean().item()))
    return rows


def codes(picture: Tensor) -> np.ndarray:
    """Return a picture (3, H, W) as (H, W, 3) uint8."""
    return (picture * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()


def backward_flow(frames: Tensor) -> Tensor:
    """Return the motion from each frame (T, 3, H, W) to the one before, in its pixels: (T - 1, 2, H, W)."""
    seen = pad_to_multiple(luma(frames), MULTIPLE)
    numbers = torch.arange(1, len(frames))
    flow = BlockSearch(seen).flow(numbers, numbers - 1).float()
    return F.interpolate(flow, seen.shape[-2:], mode="nearest")[..., : frames.shape[-2], : frames.shape[-1]]


def with_noise(key: Callable[[int], int]) -> Paint:
    """Return the way in which each frame has the noise of a number that follows from its own."""

    def paint(network: DiffBIR, faithful: Tensor, _flow: Tensor) -> Tensor:
        painted = []
        for n, picture in enumerate(faithful.split(1)):
            condition = network.condition(picture)
            painted.append(network.picture(network.sampler(condition, noise(network, key(n), condition)), picture))
        return torch.cat(painted)

    return paint


def noise(network: DiffBIR, key: int, condition: Tensor) -> Draw:
    """Return the noise of a number, draw by draw."""
    draws = count()
    return lambda: normal((network.seed, key, next(draws)), (LATENT, *condition.shape[-2:]))[None]


def with_carried_noise(network: DiffBIR, faithful: Tensor, flow: Tensor) -> Tensor:
    """Paint with the noise of the first frame, moved along the motion from frame to frame, each value as it is."""
    painted, moved = [], dict[int, Tensor]()
    for n, picture in enumerate(faithful.split(1)):
        condition = network.condition(picture)
        fresh, draws = noise(network, 0, condition), count()

        def draw(n: int = n, condition: Tensor = condition, fresh: Draw = fresh, draws: count[int] = draws) -> Tensor:
            index = next(draws)
            moved[index] = along(moved[index], flow[n - 1], "nearest") if n else fresh()
            return moved[index]

        painted.append(network.picture(network.sampler(condition, draw), picture))
    return torch.cat(painted)


def from_moved_result(network: DiffBIR, faithful: Tensor, flow: Tensor) -> Tensor:
    """Begin every frame but the first half-way down, from the latents of the one before moved along the motion."""
    painted, before = [], torch.empty(0)
    sampler = network.sampler
    assert isinstance(sampler, LatentSampler)
    prompted = Prompted.of(sampler.get_buffer("states"), 1)
    for n, picture in enumerate(faithful.split(1)):
        condition = network.condition(picture)
        draw = noise(network, 0, condition)
        predict = lambda x, time, there=condition: sampler.guided(x, time, there, prompted, GUIDANCE)  # noqa: E731
        at = karras.Levels(predict, sampler.sampling.schedule, STEPS, draw, karras.Stochastic())
        first = STEPS // 2 if n else 0
        moved = along(before, flow[n - 1], "bilinear") if n else torch.zeros_like(condition)
        before, memory = moved + draw() * at.sigmas[first], karras.Memory()
        for index in range(first, STEPS):
            clean = at.clean(before, at.sigmas[index])
            before = karras.dpmpp_3m_sde(at, before, clean, index, memory)
            memory = memory.then(clean, at.sigmas[index].log() - at.sigmas[index + 1].log())
        painted.append(network.picture(before, picture))
    return torch.cat(painted)


def along(latents: Tensor, flow: Tensor, mode: str) -> Tensor:
    """Return latents (1, 4, h, w) moved along a flow (2, H, W) of pixels."""
    tall, wide = (FACTOR * edge for edge in latents.shape[-2:])
    whole = F.pad(flow[None], (0, wide - flow.shape[-1], 0, tall - flow.shape[-2]))
    return flow_warp(latents, F.avg_pool2d(whole, FACTOR) / FACTOR, padding="border", mode=mode)


EACH, SAME, CARRIED = "noise of its own", "the same noise", "noise carried along the motion"
WAYS: Mapping[str, Paint] = {
    EACH: with_noise(lambda n: n + 1),
    SAME: with_noise(lambda _: 0),
    CARRIED: with_carried_noise,
    "from the moved result before": from_moved_result,
}
