"""Backward warping of images and features along a flow: the one warp that every network here shares."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def flow_warp(x: Tensor, flow: Tensor, padding: str = "zeros", mode: str = "bilinear") -> Tensor:
    """Sample ``x`` where the flow points to: ``out[y, x] = x[y + flow_y, x + flow_x]``.

    The sampling grid is always float32, because half precision cannot name pixels beyond 2048 (nor fractions of
    them far earlier); ``x`` is sampled in float32 as well and the result has the dtype of ``x``.

    Args:
        x: images or features, (N, C, H, W).
        flow: displacement in pixels, (N, 2, H, W); channel 0 to the right, channel 1 down.
        padding: what lies outside ``x``: "zeros" or "border".
        mode: "bilinear" or "nearest".

    Returns:
        The warped ``x``, (N, C, H, W).

    Raises:
        ValueError: ``x`` and ``flow`` differ in batch, height or width.
    """
    n, _, h, w = x.shape
    if flow.shape != (n, 2, h, w):
        raise ValueError(f"flow has shape {tuple(flow.shape)}; {(n, 2, h, w)} fits this input")
    # Divided, not multiplied by the inverse: the nearest pixel of a place just half-way is then that of published code.
    columns = torch.arange(w, device=flow.device, dtype=torch.float32)
    rows = torch.arange(h, device=flow.device, dtype=torch.float32)
    across = (flow[:, 0].float() + columns).div_(max(w - 1, 1) / 2).sub_(1.0)
    down = (flow[:, 1].float() + rows[:, None]).div_(max(h - 1, 1) / 2).sub_(1.0)
    grid = torch.stack((across, down), dim=1).permute(0, 2, 3, 1)  # two planes: on a processor much faster than pairs
    return F.grid_sample(x.float(), grid, mode=mode, padding_mode=padding, align_corners=True).to(x.dtype)
