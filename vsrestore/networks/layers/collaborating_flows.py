"""The adaptive collaboration of flows (Lee et al., CVPR 2020, arXiv 1907.10244)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Pixels whose taps are looked up together; more of them do not fit into a processor's cache.
TOGETHER = 1 << 13
# Numbers of a row of a table: those of three colours, in whole vectors.
ROW = 4


def adaptive_collaboration(frames: Tensor, weights: Tensor, down: Tensor, across: Tensor, dilation: int = 1) -> Tensor:
    """Return frames whose every pixel is the weighted sum of F x F freely displaced samples of ``frames``.

    Tap (k, l) of the pixel in row i and column j lies at row i + (k - (F - 1) / 2) * dilation + down and column j +
    (l - (F - 1) / 2) * dilation + across. Displacements are cut off toward zero to whole pixels, and the rest, of
    either sign, weighs the pixel there against the next one to the right and below, so that negative displacements
    extrapolate: published weights were trained so. Beyond its edges a frame goes on as at them.

    The pixel and its differences to its neighbours lie in tables, so that a tap is one look-up of each.

    Args:
        frames: (N, 3, H, W), float32; or larger by as much on opposite sides, which then is what lies there.
        weights: of the taps, (N, F * F, H, W), row by row; float32 as all else.
        down: displacements in pixels, shape of ``weights``.
        across: displacements in pixels, shape of ``weights``.
        dilation: pixels from tap to tap.

    Returns:
        (N, 3, H, W), not limited.

    """
    maps = [x.permute(0, 2, 3, 1) for x in (weights, down, across)]
    whole = [_collaborated(frame, maps[0][n], maps[1][n], maps[2][n], dilation) for n, frame in enumerate(frames)]
    return torch.stack(whole)


def _collaborated(frame: Tensor, weights: Tensor, down: Tensor, across: Tensor, dilation: int) -> Tensor:
    """Return one frame (3, H, W), from maps (H, W, F * F)."""
    height, width, taps = weights.shape
    tall, wide = frame.shape[1:]
    side = round(taps**0.5)
    reach = (torch.arange(side, device=frame.device) * dilation - (side - 1) * dilation // 2).float()
    rows = torch.arange(height, device=frame.device)[:, None, None] + (reach + (tall - height) // 2)
    columns = torch.arange(width, device=frame.device)[:, None] + (reach + (wide - width) // 2).repeat(side)
    rows = rows.repeat_interleave(side, dim=2)
    tables = _tables(frame)
    result = frame.new_empty(height, width, ROW)
    step = max(TOGETHER // width, 1)
    for top in range(0, height, step):
        part = slice(top, top + step)
        y, x = down[part].trunc(), across[part].trunc()
        shares = _shares(weights[part], down[part] - y, across[part] - x)
        y.add_(rows[part]).clamp_(-1, tall - 1)
        x.add_(columns).clamp_(-1, wide - 1)
        places = y.int().add_(1).mul_(wide + 1).add_(x.int().add_(1)).view(-1, taps)
        sums = [
            F.embedding_bag(places, table, mode="sum", per_sample_weights=share.reshape(-1, taps))
            for table, share in zip(tables, shares, strict=True)
        ]
        result[part] = torch.stack(sums).sum(0).view(-1, width, ROW)
    return result[..., :3].permute(2, 0, 1)


def _shares(weights: Tensor, down: Tensor, across: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what a pixel counts, and its differences downward, across and both."""
    lower = weights * down
    return weights, lower, weights * across, lower * across


def _tables(frame: Tensor) -> list[Tensor]:
    """Return, pixel after pixel, a frame (3, H, W) and its differences to the next row, the next column, and both.

    Row and column -1, which repeat the first ones, are there too: what lies before them has no differences.
    """
    wide = F.pad(frame[None], (1, 1, 1, 1), mode="replicate")[0]
    pixel, across = wide[:, :-1, :-1], wide[:, :-1].diff(dim=2)
    planes = (pixel, wide[:, :, :-1].diff(dim=1), across, wide[:, 1:].diff(dim=2) - across)
    return [F.pad(plane.flatten(1).T, (0, ROW - len(plane))).contiguous() for plane in planes]
