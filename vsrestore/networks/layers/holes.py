"""Holes in frames of any size, filled by a network that paints squares of one size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise, product

import numpy as np
import torch
from torch import Tensor, nn

from vsrestore.networks.layers.feather import feather

MARGIN = 8  # an eighth of a window on every side is left for what surrounds the holes in it


class AroundHoles(nn.Module):
    """Fills holes in pictures of any size, by windows around them.

    Args:
        network: fills holes of squares, (1, 4, size, size) -> (1, 3, size, size); the fourth channel is 1 in holes.
        size: edge of its squares in pixels.

    """

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network = network
        self.size = size

    def forward(self, pictures: Tensor, mask: Tensor) -> Tensor:
        """Fill pictures (N, 3, H, W) where the mask (N, 1, H, W) is not 0; all else comes back as it was."""
        return torch.stack([fill(picture, self.network, self.size) for picture in torch.cat((pictures, mask), 1)])


def fill(picture: Tensor, run: Callable[[Tensor], Tensor], size: int) -> Tensor:
    """Fill the holes of one picture; where windows overlap, their results are blended.

    Args:
        picture: (4, H, W), RGB and 1 in holes; a side shorter than ``size`` is mirrored, holes and all.
        run: the network on one square.
        size: edge of the squares in pixels.

    Returns:
        (3, H, W).

    """
    rgb, holes = picture[:3], picture[3] > 0
    height, width = holes.shape
    rows, columns = (np.pad(np.arange(side), (0, max(size - side, 0)), mode="symmetric") for side in (height, width))
    whole = picture[:, rows[:, None], columns]
    canvas, weights = torch.zeros_like(whole[:3]), torch.zeros_like(whole[3])
    for top, left in windows(holes.cpu().numpy(), size):
        area = (slice(top, top + size), slice(left, left + size))
        painted = run(whole[(slice(None), *area)][None])[0]
        weight = feather(painted, size // MARGIN)
        canvas[(slice(None), *area)] += painted * weight
        weights[area] += weight
    blended = canvas / weights.clamp(min=torch.finfo(weights.dtype).tiny)
    return torch.where(holes, blended[:, :height, :width], rgb)


def windows(holes: np.ndarray, size: int) -> list[tuple[int, int]]:
    """Return where windows begin, (top, left), that hold all holes and lie around them.

    The box of all holes is cut into equal cells, and a window lies around what each cell has of holes, as near the
    middle as the frame's edges let it. Nothing but the holes of the frame decides, so a mask that stands still keeps
    its windows.

    Args:
        holes: (H, W) bool.
        size: edge of a window in pixels.

    """
    rows, columns = _extent(holes.any(1)), _extent(holes.any(0))
    corners = []
    for (top, bottom), (left, right) in product(_cells(*rows, size), _cells(*columns, size)):
        cell = holes[top:bottom, left:right]
        if cell.any():
            (first, last), (near, far) = _extent(cell.any(1)), _extent(cell.any(0))
            across = _start(left + near, left + far, size, holes.shape[1])
            corners.append((_start(top + first, top + last, size, holes.shape[0]), across))
    return list(dict.fromkeys(corners))


def _extent(marked: np.ndarray) -> tuple[int, int]:
    """Return the first marked position and the one after the last; (0, 0) where there is none."""
    positions = np.flatnonzero(marked)
    return (int(positions[0]), int(positions[-1]) + 1) if len(positions) else (0, 0)


def _cells(first: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield equal parts of a stretch, each short enough to have the margin on both sides in a window."""
    longest = size - 2 * (size // MARGIN)
    count = -(-(end - first) // longest)
    return pairwise(first + (end - first) * i // max(count, 1) for i in range(count + 1))


def _start(first: int, end: int, size: int, length: int) -> int:
    """Return where a window around a stretch begins inside a side of ``length`` pixels."""
    return min(max((first + end - size) // 2, 0), max(length - size, 0))
