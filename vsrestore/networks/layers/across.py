"""Thin lines filled across, row by row, from what is known on both sides."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 12  # px to either side that are looked at
FADES = 0.6  # share of the weight of what lies beyond that a known pixel takes
NOTHING = 1e-3  # weight that stands for "nothing is known there"
HALF_KNOWN = 0.05
OWN = 1e-4  # weight of the pixel as it is, for where nothing is known on either side


def filled_across(frames: Tensor, unknown: Tensor, places: Tensor | None = None) -> Tensor:
    """Fill pixels from the nearest known ones to the left and to the right, the nearer side with more weight.

    On each side the two or three nearest pixels are averaged, so that grain does not run across as streaks.

    Args:
        frames: (N, 3, H, W).
        unknown: how little of a pixel is known, 0 to 1, (N, 1, H, W).
        places: which pixels are wanted, (M,), int64, as places in (N, H, W) laid flat; None: all of them.

    Returns:
        (3, M), or (3, N * H * W): pixels as they would be if nothing of them was known; as they are if nothing is known
        within reach.
    """
    n, channels, height, width = frames.shape
    wide = width + 2 * REACH
    pixels = F.pad(frames, (REACH, REACH, 0, 0), mode="replicate").transpose(0, 1).reshape(channels, -1)
    known = F.pad(1 - unknown, (REACH, REACH, 0, 0)).reshape(1, -1)
    if places is None:
        places = torch.arange(n * height * width, device=frames.device)
    padded = places.div(width, rounding_mode="floor") * wide + places % width + REACH

    def beside(x: Tensor, step: int) -> Tensor:
        return x.index_select(1, padded + step)

    left, left_away, left_known = _side(pixels, known, -1, beside)
    right, right_away, right_known = _side(pixels, known, 1, beside)
    left_weight, right_weight = left_known / left_away.clamp(min=1), right_known / right_away.clamp(min=1)
    own = beside(pixels, 0) * OWN
    return (left * left_weight + right * right_weight + own) / (left_weight + right_weight + OWN)


def _side(
    pixels: Tensor, known: Tensor, sign: int, beside: Callable[[Tensor, int], Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean of what is known on one side (3, M), how far away it is, and how far there is any, (1, M)."""
    total = away = weights = torch.zeros(())
    remaining = torch.ones(())
    for step in range(1, REACH + 1):
        here = beside(known, sign * step)
        weight = remaining * here
        total = total + weight * beside(pixels, sign * step)
        away, weights = away + weight * step, weights + weight
        remaining = remaining * (1 - FADES * here)
    safe = weights + NOTHING
    return total / safe, away / safe, weights / (weights + HALF_KNOWN)
