"""The networks of EDVR and BasicVSR++ with seeded weights, and the naive ways in which their publishers ran them.

Each context manager takes one of our ways back while it lasts, in this process alone, so that what remains is the same
arithmetic on the same weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from torch import Tensor, nn

from vsrestore.networks.edvr import CentreShares, FrameFeatures, PCDAlign
from vsrestore.networks.layers import deform_conv
from vsrestore.networks.spynet import SPyNet

LAID_OUT = ("basicvsrpp", "spynet", "layers.deform_align")
"""Modules of vsrestore.networks that lay features of BasicVSR++ out with channels last."""


def seeded[Network: nn.Module](network: Network, gain: float, seed: int = 1) -> Network:
    """Fill a network with noise, the same every time, and return it for evaluation.

    Args:
        network: any.
        gain: of the convolutions: their weights are normal with deviation ``gain / sqrt(inputs * height * width)``.
        seed: of the noise.

    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            deviation = gain * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.05
            parameter.normal_(0, deviation, generator=generator)
    return network.eval().requires_grad_(False)


def seeded_state(network: nn.Module, gain: float) -> dict[str, Tensor]:
    """Return the tensors of a network filled with noise as by :func:`seeded`.

    The vectors v of spectral norms are left out, which are then found to fit the weights and u.
    """
    state = seeded(network, gain).state_dict()
    for name, buffer in network.named_buffers():
        if name.endswith("weight_u"):
            state[name] = torch.full_like(buffer, len(buffer) ** -0.5)
        elif name.endswith("weight_v"):
            del state[name]
    return state


def moving_noise(frames: int, height: int, width: int) -> Tensor:
    """Return coarse noise that drifts, with fine noise on every frame: (1, T, 3, H, W) in [0, 1]."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(1, 3, height // 8 + 2, (width + 2 * frames) // 8 + 2, generator=generator)
    scene = nn.functional.interpolate(coarse, size=(height, width + 2 * frames), mode="bilinear")
    drifting = torch.stack([scene[..., 2 * t : 2 * t + width] for t in range(frames)], dim=1)
    fine = torch.rand(drifting.shape, generator=generator)
    return 0.9 * drifting + 0.1 * fine


@contextmanager
def torchvision_sampling() -> Iterator[None]:
    """Deformable convolutions on the CPU run by torchvision's operator."""
    with patch.object(deform_conv, "gather_deform_conv", deform_conv.torchvision_deform_conv):
        yield


@contextmanager
def contiguous_layout(modules: Iterable[str] = LAID_OUT) -> Iterator[None]:
    """Features are laid out channel by channel, PyTorch's default, wherever modules ask for channels last."""
    with ExitStack() as patches:
        for module in modules:
            patches.enter_context(patch(f"vsrestore.networks.{module}.channels_last", Tensor.contiguous))
        yield


@contextmanager
def whole_offset_convolutions() -> Iterator[None]:
    """EDVR's first offset convolutions see neighbour and centre together, for every pair of them again."""

    def aligned(align: PCDAlign, neighbour: FrameFeatures, centre: CentreShares) -> Tensor:
        return align.plain(neighbour.levels, centre.offsets)

    def nothing(align: PCDAlign, levels: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return ()

    def centre_levels(align: PCDAlign, levels: tuple[Tensor, ...]) -> CentreShares:
        return CentreShares(levels, levels[0])

    with patch.multiple(PCDAlign, forward=aligned, neighbour_shares=nothing, centre_shares=centre_levels):
        yield


@contextmanager
def one_flow_at_a_time() -> Iterator[None]:
    """Flows forward and backward in time are two runs of SPyNet, each of which makes its own image pyramids."""

    def between_neighbours(network: SPyNet, frames: Tensor) -> tuple[Tensor, Tensor]:
        pairs = (len(frames), frames.shape[1] - 1)
        earlier, later = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
        return network(earlier, later).unflatten(0, pairs), network(later, earlier).unflatten(0, pairs)

    with patch.object(SPyNet, "between_neighbours", between_neighbours):
        yield
