"""Frames larger than memory: overlapping tiles, blended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def starts(length: int, tile: int, overlap: int, multiple: int) -> list[int]:
    """Return where tiles begin along one axis, all of them ``tile`` long and at multiples of ``multiple``.

    Args:
        length: the axis in pixels, a multiple of ``multiple``.
        tile: edge of a tile, a multiple of ``multiple``.
        overlap: pixels that neighbours share at least.
        multiple: grid of the network.

    """
    if tile >= length:
        return [0]
    stride = max((tile - overlap) // multiple * multiple, multiple)
    return [*range(0, length - tile, stride), length - tile]


def in_tiles(
    frames: Tensor, run: Callable[[Tensor], Tensor], tile: int, overlap: int, multiple: int, scale: int
) -> Tensor:
    """Run a network tile by tile and blend the results.

    Args:
        frames: (..., C, H, W), H and W multiples of ``multiple``.
        run: the network on one tile, (..., C, h, w) -> (..., C', scale * h, scale * w).
        tile: edge of a tile in pixels of the input.
        overlap: pixels that neighbours share at least; there the weights rise linearly, so no seam shows.
        multiple: grid of the network.
        scale: output size / input size.

    Returns:
        (..., C', scale * H, scale * W), float32, on the CPU: the canvas of a large frame must not fill the GPU.

    """
    height, width = frames.shape[-2:]
    tile = -(-tile // multiple) * multiple
    rows, columns = starts(height, tile, overlap, multiple), starts(width, tile, overlap, multiple)
    canvas: Tensor | None = None
    weights: Tensor | None = None
    for top in rows:
        for left in columns:
            piece = run(frames[..., top : top + tile, left : left + tile]).float().cpu()
            if canvas is None or weights is None:
                canvas = piece.new_zeros((*piece.shape[:-2], height * scale, width * scale))
                weights = piece.new_zeros((height * scale, width * scale))
            weight = feather(piece, overlap * scale)
            area = (
                slice(top * scale, top * scale + piece.shape[-2]),
                slice(left * scale, left * scale + piece.shape[-1]),
            )
            canvas[(..., *area)] += piece * weight
            weights[area] += weight
    assert canvas is not None
    assert weights is not None
    return canvas.div_(weights)


def feather(piece: Tensor, overlap: int) -> Tensor:
    """Return weights (h, w) that rise linearly from every edge over ``overlap`` pixels; never 0."""
    height, width = piece.shape[-2:]
    return _ramp(piece, height, overlap)[:, None] * _ramp(piece, width, overlap)[None, :]


def _ramp(piece: Tensor, length: int, overlap: int) -> Tensor:
    import torch

    from_edge = torch.arange(1, length + 1, dtype=torch.float32, device=piece.device)
    nearest = torch.minimum(from_edge, from_edge.flip(0))
    return (nearest / (overlap + 1)).clamp(max=1)
