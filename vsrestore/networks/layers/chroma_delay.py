"""How far colours lie beside their luma, as tape players leave them; nothing to learn.

Edges of the colours are edges of the luma, only softer. The delay is where the gradients of both agree best, cell by
cell, summed over the whole picture: of single edges nothing can be said, for a colour may change where brightness does
not. (Players were adjusted likewise, by eye, with a knob that delays the luma.)
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.box import box_mean, halve
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.warp import flow_warp

LEFT, RIGHT, UP, DOWN = 1, 4, 0, 2  # furthest delays that are tried, in steps of two pixels
CELL = 16  # blocks of 2x2 pixels: within a cell an edge has one sign
SOFT = 3  # blocks: about how soft the colours of tape are along the line


def delay_fits(frames: Tensor) -> Tensor:
    """Tell how well the colours of frames fit their luma, for every delay.

    The fits of frames of one clip may be averaged: its delay hardly changes.

    Args:
        frames: (N, 3, H, W), H and W multiples of 32.

    Returns:
        (N, 1 + UP + DOWN, 1 + LEFT + RIGHT), from the furthest delay up and to the left.

    """
    small = halve(frames)
    bright = luma(small)
    colours = small[:, ::2] - bright  # red and blue
    pairs = zip(_gradients(colours), _gradients(_soft(bright)), strict=True)
    return torch.stack([_fits(ours, theirs) for ours, theirs in pairs]).sum(0)


def delay(fits: Tensor) -> Tensor:
    """Return by how many pixels colours lie to the right of their luma, and below it: (N, 2), from fits (N, ...)."""
    columns = fits.shape[2]
    best = fits.flatten(1).argmax(1)
    row, column = best // columns, best % columns
    numbers = torch.arange(len(fits), device=fits.device)
    across = _vertex(fits[numbers, row], column) - LEFT
    down = _vertex(fits[numbers, :, column], row) - UP
    return 2 * torch.stack((across, down), dim=1)


def undelayed(frames: Tensor, delay: Tensor) -> Tensor:
    """Bring the colours of frames (N, 3, H, W) back to their luma, from a delay (N, 2) in pixels."""
    colours = frames - luma(frames)
    flow = delay[:, :, None, None].expand(-1, -1, *frames.shape[-2:])
    return frames + (flow_warp(colours, flow, padding="border") - colours)


def _soft(x: Tensor) -> Tensor:
    return box_mean(box_mean(x, (1, SOFT)), (1, SOFT))


def _gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of the neighbours to the right and left, and below and above; 0 at the border."""
    across = F.pad(x[..., 2:] - x[..., :-2], (1, 1))
    down = F.pad(x[..., 2:, :] - x[..., :-2, :], (0, 0, 1, 1))
    return across, down


def _fits(colours: Tensor, bright: Tensor) -> Tensor:
    """How well gradients (N, 2, h, w) agree with those of the luma (N, 1, h, w) for every delay: (N, rows, columns)."""
    height, width = colours.shape[-2:]
    around = F.pad(bright, (RIGHT, LEFT, DOWN, UP))
    rows = []
    for down in range(-UP, DOWN + 1):
        row = []
        for right in range(-LEFT, RIGHT + 1):
            theirs = around[..., DOWN - down :, RIGHT - right :][..., :height, :width]
            row.append(F.avg_pool2d(colours * theirs, CELL).abs().mean((1, 2, 3)))
        rows.append(torch.stack(row, dim=1))
    return torch.stack(rows, dim=1)


def _vertex(values: Tensor, best: Tensor) -> Tensor:
    """Place of the top of the parabola through the largest of values (N, M), at ``best`` (N,), and those beside it."""
    inner = best.clamp(1, values.shape[1] - 2)
    before, middle, after = (values.gather(1, (inner + step)[:, None])[:, 0] for step in (-1, 0, 1))
    bend = (before - 2 * middle + after).clamp(max=-1e-12)
    place = inner + 0.5 * (before - after) / bend
    return place.clamp(0, values.shape[1] - 1)
