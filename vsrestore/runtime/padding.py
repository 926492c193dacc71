"""Frames whose size a network cannot take: padding to the right and the bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .descriptor import Descriptor

if TYPE_CHECKING:
    from torch import Tensor


def padded(frames: Tensor, descriptor: Descriptor) -> Tensor:
    """Return frames (..., C, H, W) with H and W as the network of ``descriptor`` needs them."""
    from torch.nn import functional as F

    height, width = frames.shape[-2:]
    right, bottom = _missing(width, descriptor), _missing(height, descriptor)
    if not right and not bottom:
        return frames
    mode = descriptor.padding
    if mode == "symmetric":
        rows = _mirrored(frames, height, height + bottom)
        return frames[..., rows[:, None], _mirrored(frames, width, width + right)]
    if mode == "reflect" and (right >= width or bottom >= height):
        mode = "replicate"  # fewer pixels than a reflection needs
    flat = F.pad(frames.reshape(-1, *frames.shape[-3:]), (0, right, 0, bottom), mode=mode)
    return flat.reshape(*frames.shape[:-2], height + bottom, width + right)


def _missing(length: int, descriptor: Descriptor) -> int:
    missing = -length % descriptor.multiple
    return missing or (descriptor.multiple if descriptor.pads_always else 0)


def _mirrored(frames: Tensor, length: int, total: int) -> Tensor:
    """Return the positions 0 to ``length`` - 1, back from ``length`` - 1 and so on, ``total`` in all."""
    import torch

    positions = torch.arange(total, device=frames.device) % (2 * length)
    return torch.minimum(positions, 2 * length - 1 - positions)
