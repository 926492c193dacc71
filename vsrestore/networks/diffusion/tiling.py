"""Latents larger than memory: tiles that lie half over each other, weighted by a bell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

VARIANCE = 0.01  # of the bell, in units of the tile's edge


@dataclass(frozen=True)
class Tiles:
    """Square tiles, in pixels of latents."""

    edge: int
    stride: int

    def along(self, length: int) -> list[slice]:
        """Return tiles that cover an axis: one every stride, and one that ends with it."""
        last = length - self.edge
        starts = list(range(0, last + 1, self.stride))
        if starts[-1] < last:
            starts.append(last)
        return [slice(start, start + self.edge) for start in starts]

    def over(self, height: int, width: int) -> list[tuple[slice, slice]]:
        """Return the rows and columns of all tiles."""
        return [(rows, columns) for rows in self.along(height) for columns in self.along(width)]


def bell(height: int, width: int) -> Tensor:
    """Return the weights of a tile, (height, width); as published, its middle lies half a pixel too low."""
    across = (torch.arange(width, dtype=torch.float64) - (width - 1) / 2) / width
    down = (torch.arange(height, dtype=torch.float64) - height / 2) / height
    return ((-down.square() / (2 * VARIANCE)).exp()[:, None] * (-across.square() / (2 * VARIANCE)).exp()).float()


def blended(run: Callable[[slice, slice], Tensor], size: tuple[int, int], tiles: Tiles, scale: int = 1) -> Tensor:
    """Return what tiles give, joined.

    Args:
        run: takes the rows and columns of a tile, in latent pixels; returns (N, C, scale * edge, scale * edge).
        size: height and width in latent pixels, at least those of a tile.
        tiles: where they lie.
        scale: pixels given for each pixel of latents.

    Returns:
        (N, C, scale * height, scale * width), float32.
    """
    canvas = torch.empty(0)
    total = torch.zeros(size[0] * scale, size[1] * scale)
    weight = bell(tiles.edge * scale, tiles.edge * scale)
    for rows, columns in tiles.over(*size):
        piece = run(rows, columns).float()
        if not canvas.numel():
            canvas = piece.new_zeros((*piece.shape[:2], *total.shape))
            total, weight = total.to(piece.device), weight.to(piece.device)
        there = slice(rows.start * scale, rows.stop * scale), slice(columns.start * scale, columns.stop * scale)
        canvas[..., *there] += piece * weight
        total[there] += weight
    return canvas.div_(total)
