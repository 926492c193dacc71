"""Frames whose size a network cannot take: padding to the right and the bottom."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vsrestore.networks.traits import Traits


def padded(pictures: Tensor, traits: Traits) -> Tensor:
    """Return pictures (..., C, H, W) with H and W as a network needs them."""
    height, width = pictures.shape[-2:]
    right, bottom = _missing(width, traits), _missing(height, traits)
    if not right and not bottom:
        return pictures
    mode = traits.padding
    if mode == "symmetric":
        rows = _mirrored(pictures, height, height + bottom)
        return pictures[..., rows[:, None], _mirrored(pictures, width, width + right)]
    if mode == "reflect" and (right >= width or bottom >= height):
        mode = "replicate"  # fewer pixels than a reflection needs
    flat = F.pad(pictures.reshape(-1, *pictures.shape[-3:]), (0, right, 0, bottom), mode=mode)
    return flat.reshape(*pictures.shape[:-2], height + bottom, width + right)


def _missing(length: int, traits: Traits) -> int:
    missing = -length % traits.multiple or (traits.multiple if traits.pads_always else 0)
    return max(missing, traits.pads_to - length)


def _mirrored(pictures: Tensor, length: int, total: int) -> Tensor:
    """Return the positions 0 to ``length`` - 1, back from ``length`` - 1 and so on, ``total`` in all."""
    positions = torch.arange(total, device=pictures.device) % (2 * length)
    return torch.minimum(positions, 2 * length - 1 - positions)
