"""DiffBIR: a step beside that of diffusers' own pipeline, and the filter beside its networks; weights are seeded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

import torch
import vapoursynth as vs
from spandrel.architectures.SwinIR import SwinIR
from torch import Tensor, nn

import vsrestore
from vsrestore.devices.parts import Networks, Part, Parts
from vsrestore.filters import diffusion
from vsrestore.networks.diffusion.control import Control
from vsrestore.networks.diffusion.diffbir import DiffBIR
from vsrestore.networks.diffusion.first_stage import FirstStage
from vsrestore.networks.diffusion.latent_sampler import LatentSampler, Prompted, Sampling
from vsrestore.networks.diffusion.schedule import Schedule
from vsrestore.networks.diffusion.unet import UNet
from vsrestore.networks.diffusion.vae import VAE

from .material import moving_clip
from .published import seeded
from .report import Cell, Report, Requirement
from .timing import Measure, drain, duration
from .video_filters import time_in
from .ways import COLUMNS, Bound, compare, conditions

ATTENDS = (True, True, True, False)
HALF_WIDTH = {"channels": (160, 320, 640, 640), "attends": ATTENDS, "context": 512}
HALF_WIDTH_VAE = (64, 128, 256, 256)
SMALL = {"channels": (32, 64, 128, 128), "attends": ATTENDS, "context": 32}
SMALL_VAE = (32, 64, 128, 128)
GAIN = 0.9
SHARE, SAME_SPEED = 0.97, 1.0
FRAMES, EDGE = 3, 128


def run(repeats: int, measure: Measure = duration) -> list[Report]:
    """Measure a step and the filter."""
    return [step(repeats, measure), share()]


def networks(settings: Mapping[str, object], vae: Sequence[int]) -> tuple[UNet, Control, VAE]:
    """Return the networks of the second stage."""
    return UNet(**settings), Control(**settings), VAE(vae)  # type: ignore[arg-type]


def step(repeats: int, measure: Measure, settings: Mapping[str, object] = HALF_WIDTH, edge: int = 32) -> Report:
    """Time one step with both prompts: networks as the runtime lays them out, and as diffusers' pipeline calls them."""
    unet, control = (seeded(network, GAIN) for network in (UNet(**settings), Control(**settings)))  # type: ignore[arg-type]
    states = torch.randn(2, 77, int(settings["context"]))  # type: ignore[call-overload]
    x, there = torch.randn(2, 1, 4, edge, edge).unbind(0)
    sampling = Sampling(schedule=Schedule("eps", zero_terminal=False), sampler="spaced", steps=2, guidance=4.0)
    weights = {name: network.state_dict() for name, network in (("unet", unet), ("control", control))}

    def build() -> nn.Module:
        own = UNet(**settings), Control(**settings)  # type: ignore[arg-type]
        for network, state in zip(own, weights.values(), strict=True):
            network.load_state_dict(state)
        return LatentSampler(*own, states, sampling)

    parts = Parts({"sampler": Part(build, channels_last=False)}, lambda made: made["sampler"])
    ours = Networks(parts, lambda: torch.device("cpu")).get("float32")
    assert isinstance(ours, LatentSampler)

    @torch.inference_mode()
    def of_diffusers() -> Tensor:
        # As the pipeline that was published: keys and values of prompts are made in every step.
        both, times, text = torch.cat([x] * 2), torch.tensor(600.0), states.clone()
        seen = torch.cat((both, torch.cat([there] * 2)), dim=1)
        downs, middle = control.network(seen, times, text, controlnet_cond=both, return_dict=False)
        predicted = unet.network(
            both,
            times,
            encoder_hidden_states=text,
            down_block_additional_residuals=downs,
            mid_block_additional_residual=middle,
            return_dict=False,
        )[0]
        wanted, unwanted = predicted.chunk(2)
        return unwanted + 4.0 * (wanted - unwanted)

    prompted = Prompted.of(states, 1)

    @torch.inference_mode()
    def of_ours() -> Tensor:
        return ours.guided(x, 600.0, there, prompted, 4.0)

    ways = {"diffusers": of_diffusers, "ours": of_ours}
    compared = compare("UNet and control", ways, 1, {"ours": Bound(SAME_SPEED)}, repeats, measure)
    told = conditions(repeats, measure, {"UNet and control": f"latents of {edge}x{edge}, {settings}"})
    return Report("diffusion-step", COLUMNS, compared.rows, compared.requirements, told)


class Made(NamedTuple):
    """A checkpoint that is no file."""

    build: Callable[[], nn.Module]
    settings: Mapping[str, object]
    path: Path = Path("seeded")


@contextmanager
def seeded_networks(settings: Mapping[str, object] = SMALL, vae: Sequence[int] = SMALL_VAE) -> Iterator[None]:
    """Networks with seeded weights stand for the checkpoints of the second stage, by default small ones."""

    networks: dict[str, Callable[[], nn.Module]] = {
        diffusion.UNET: cache(lambda: seeded(UNet(**settings), GAIN)),  # type: ignore[arg-type]
        diffusion.VAE: cache(lambda: seeded(VAE(vae), GAIN)),
        diffusion.CONTROL: cache(lambda: seeded(Control(**settings), GAIN)),  # type: ignore[arg-type]
    }
    made = {part: Made(partial(_copied, build), settings) for part, build in networks.items()}

    def checkpoints(_name: str, _painting: object) -> tuple[dict[str, Made], Made]:
        return {**made, diffusion.TEXT: Made(nn.Identity, {})}, made[diffusion.CONTROL]

    def states(*_arguments: object) -> Tensor:
        return torch.randn(2, 77, int(settings["context"]), generator=torch.Generator().manual_seed(1))  # type: ignore[call-overload]

    with patch.object(diffusion, "_checkpoints", checkpoints), patch.object(diffusion, "prompt_states", states):
        yield


def _copied(build: Callable[[], nn.Module]) -> nn.Module:
    return deepcopy(build())


def write_cleaner(path: Path) -> Path:
    """Save a small network of the first stage as DiffBIR's files are laid out, and return its path."""
    told = {"upsampler": "nearest+conv", "upscale": 8, "start_unshuffle": 8, "window_size": 8, "mlp_ratio": 2}
    network: nn.Module = SwinIR(img_size=16, embed_dim=60, depths=[2], num_heads=[2], **told)
    state = seeded(network, 0.5).state_dict()
    torch.save({name.replace("conv_first.", "conv_first.1."): tensor for name, tensor in state.items()}, path)
    return path


def share(frames: int = FRAMES, edge: int = EDGE, steps: int = 3) -> Report:
    """Tell the networks' share in the time of the filter: of frames that are painted at 512 pixels."""
    rows: list[Sequence[Cell]] = []
    with TemporaryDirectory() as folder, seeded_networks():
        cleaner = write_cleaner(Path(folder) / "cleaner.pth")
        for radius in (0, 1):
            source = moving_clip(frames + 1, edge, edge, vs.YUV420P8)
            clip = vsrestore.diffbir(source, cleaner=cleaner, steps=steps, stabilize=radius, device="cpu")
            clip.get_frame(0)
            with time_in(DiffBIR) as painting, time_in(FirstStage) as cleaning:
                began = time.perf_counter()
                drain(clip[1:])
                whole = time.perf_counter() - began
            rows.append((f"stabilize={radius}", whole / frames, (sum(painting) + sum(cleaning)) / whole))
    required = [Requirement("share of both stages in the filter's time", float(rows[0][2]), least=SHARE)]
    return Report("diffusion-filter", ("filter", "seconds per frame", "share of both stages"), rows, required)
