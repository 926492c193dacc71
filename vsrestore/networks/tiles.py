"""Frames larger than memory: overlapping tiles, blended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import lcm
from typing import Self

import torch
from torch import Tensor

from vsrestore.networks.inputs import Inputs
from vsrestore.networks.layers.feather import feather
from vsrestore.networks.traits import Traits


@dataclass(frozen=True)
class Tiling:
    """How long tiles are, and where they may begin."""

    longest: int
    """Edge of a tile in pixels of the input at most."""
    overlap: int
    """Pixels that neighbours share at least; there the weights rise linearly, so no seam shows."""
    grid: int
    """Tiles begin at multiples of this, and are multiples of it long."""
    scale: int
    """Output size / input size."""

    @classmethod
    def of(cls, traits: Traits, tile: int) -> Self:
        """Return the tiling for a network and the edge that the user wants at most."""
        grid = lcm(traits.multiple, traits.tile_grid)
        return cls(-(-tile // grid) * grid, traits.tile_overlap, grid, traits.scale)

    def along(self, length: int) -> list[slice]:
        """Return tiles that cover an axis of ``length`` pixels evenly, as few as possible and then as short."""
        if self.longest >= length:
            return [slice(0, length)]
        gaps = -(-(length - self.longest) // self._stride(self.longest))
        edge = self.longest
        while self._covers(edge - self.grid, gaps, length):
            edge -= self.grid
        steps = -(-(length - edge) // self.grid)
        starts = [steps * i // gaps * self.grid for i in range(gaps + 1)]
        return [slice(start, min(start + edge, length)) for start in starts]

    def _stride(self, edge: int) -> int:
        return max((edge - self.overlap) // self.grid * self.grid, self.grid)

    def _covers(self, edge: int, gaps: int, length: int) -> bool:
        """Tell whether tiles with so many gaps between their starts reach the end, none shorter than two overlaps."""
        return edge >= max(2 * self.overlap, self.grid) and gaps * self._stride(edge) + edge >= length


def in_tiles(inputs: Inputs, run: Callable[[Inputs], Tensor], tiling: Tiling) -> Tensor:
    """Run a network tile by tile and blend the results.

    Args:
        inputs: the pictures (..., C, H, W), H and W multiples of the network's.
        run: the network on one tile, whose result is (..., C', scale * h, scale * w).
        tiling: how long tiles are, and where they may begin.

    Returns:
        (..., C', scale * H, scale * W), float32, on the CPU: the canvas of a large frame must not fill the GPU.

    """
    height, width = inputs.frames.shape[-2:]
    scale = tiling.scale
    canvas = torch.empty(0)
    weights = torch.zeros(height * scale, width * scale)
    for rows, columns in product(tiling.along(height), tiling.along(width)):
        cut = (..., rows, columns)
        piece = run(inputs.mapped(lambda pictures, cut=cut: pictures[cut])).float().cpu()  # type: ignore[misc]
        if not canvas.numel():
            canvas = piece.new_zeros((*piece.shape[:-2], *weights.shape))
        weight = feather(piece, tiling.overlap * scale)
        down, across = (slice(side.start * scale, side.stop * scale) for side in (rows, columns))
        canvas[..., down, across] += piece * weight
        weights[down, across] += weight
    return canvas.div_(weights)
