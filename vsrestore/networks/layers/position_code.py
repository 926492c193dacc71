"""Sine codes of positions, by which attention tells places apart."""

from __future__ import annotations

import math

import torch
from torch import Tensor

TEMPERATURE = 10_000.0


def sine_code(length: int, channels: int, device: torch.device | None = None) -> Tensor:
    """Return the code of the places 1 to ``length``, (length, channels) float32, sines and cosines by turns.

    The places are stretched to one turn of the slowest wave, whatever the length. ``channels`` is even.

    Source:
        Vaswani et al., Attention Is All You Need, NIPS 2017; stretched as in Carion et al., DETR, ECCV 2020.
    """
    steps = torch.arange(channels // 2, dtype=torch.float32, device=device)
    slowness = TEMPERATURE ** (2 * steps / channels)
    places = torch.arange(1, length + 1, dtype=torch.float32, device=device) / (length + 1e-6) * 2 * math.pi
    angles = places[:, None] / slowness
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)
