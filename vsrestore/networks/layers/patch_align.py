"""Patch alignment: blocks of features copied, as they are, to where the flow says that they come from.

Source:
    Shi, Gu, Xie, Wang, Yang, Dong, "Rethinking Alignment in Video Super-Resolution Transformers", NeurIPS 2022, arXiv
    2207.08494.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def patch_align(x: Tensor, flow: Tensor, patch: int = 8) -> Tensor:
    """Fill every block of a picture with the block that lies the mean flow of its pixels away, in whole pixels.

    The position is rounded, half to even, so nothing is interpolated and the values stay what they are.

    Args:
        x: features, (N, H, W, C).
        flow: displacement in pixels, (N, 2, H, W), float32; channel 0 to the right, channel 1 down.
        patch: edge of a block in pixels; blocks begin at the top left corner.

    Returns:
        (N, H, W, C), zero where a block's content comes from outside ``x``.
    """
    n, height, width, channels = x.shape
    shift = block_means(flow, patch).repeat_interleave(patch, 2).repeat_interleave(patch, 3)[..., :height, :width]
    columns = (torch.arange(width, device=x.device) + shift[:, 0]).round().clamp(-1, width).long()
    rows = (torch.arange(height, device=x.device)[:, None] + shift[:, 1]).round().clamp(-1, height).long()
    outside = (columns < 0) | (columns == width) | (rows < 0) | (rows == height)
    pictures = torch.arange(n, device=x.device)[:, None, None] * (height * width)
    sources = (pictures + rows * width + columns).masked_fill(outside, 0)
    moved = x.reshape(-1, channels).index_select(0, sources.flatten()).view(x.shape)
    return moved.masked_fill_(outside[..., None], 0)


def block_means(flow: Tensor, patch: int) -> Tensor:
    """Return the mean of every block of a flow (N, 2, H, W), mirrored to whole blocks: (N, 2, H / patch, W / patch)."""
    height, width = flow.shape[-2:]
    whole = F.pad(flow, (0, -width % patch, 0, -height % patch), mode="reflect")
    return F.avg_pool2d(whole, patch)
