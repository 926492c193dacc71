"""Motion between frames by block matching: nothing to learn, and robust to dirt and grain.

Every cell of 4x4 pixels takes the move of whole pixels for which the block of 8x8 pixels around it fits best. The
search goes from small copies of the frames to the frames themselves (Bierling, VCIP 1988); at each size a cell begins
with what was found at half of it, and then tries short steps and what the cells beside it found (Barnes et al.,
"PatchMatch", SIGGRAPH 2009).

Pixels are compared as bytes. Eight of a row are packed into one number, so that a block is eight numbers to fetch.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.box import halve

LEVELS = 4  # 1, 1/2, 1/4 and 1/8 of the size
MULTIPLE = 32  # of height and width, so that every size is made of whole cells
WIDE = 3  # pixels searched each way at the smallest size: 24 at the largest, and what the steps add
FINE_STEPS, COARSE_STEPS = (1,), (4, 2, 1)  # pixels: tried one after another at the largest size, at the others
CELL, BLOCK = 4, 8
LIMIT = 51  # codes; a pixel differs by this much at most: a speck must not outweigh the block around it
PRICE = 3  # codes summed over a block: what a move must be better by
BLOCKS = 2**15  # compared at once, so that they stay in the cache
BYTES = 0x00FF00FF00FF00FF  # every other byte of a number
ONES = 0x0001000100010001  # a product with it sums four numbers of 16 bits in the highest


class BlockSearch:
    """Frames prepared for finding the motion between any two of them.

    Args:
        luma: (F, 1, H, W) in [0, 1], H and W multiples of 32.

    """

    def __init__(self, luma: Tensor) -> None:
        self.device = luma.device
        self.levels = []
        for index in range(LEVELS):
            self.levels.append(_Level(luma, index))
            if index < LEVELS - 1:
                luma = halve(luma)

    def flow(self, centres: Tensor, neighbours: Tensor) -> Tensor:
        """Flow from frames to their neighbours.

        Args:
            centres: numbers of frames, (P,), int64.
            neighbours: those whose content is looked for, likewise.

        Returns:
            (P, 2, H / 4, W / 4), int64, in pixels: in the cell at (y, x), ``neighbour[.. + flow_y, .. + flow_x]``
            matches ``centre``. Channel 0 to the right, channel 1 down.

        """
        flow: Tensor | None = None
        for level in reversed(self.levels):
            pairs = max(1, BLOCKS // (level.rows * level.columns))
            starts = [None] * len(centres) if flow is None else [*flow.split(pairs)]
            parts = zip(centres.split(pairs), neighbours.split(pairs), starts, strict=False)
            flow = torch.cat([_Pairs(level, *numbers).search(start) for *numbers, start in parts])
        assert flow is not None
        return flow


class _Level:
    """Frames of one size with a margin, as bytes of which every eight in a row are one number, (F, h, w) int64."""

    def __init__(self, luma: Tensor, index: int) -> None:
        height, width = luma.shape[-2:]
        self.rows, self.columns = height // CELL, width // CELL
        self.steps = FINE_STEPS if index == 0 else COARSE_STEPS
        self.margin = margin = _margin(index)
        wide = -(-(width + 2 * margin) // BLOCK) * BLOCK
        around = F.pad(luma, (margin, wide + BLOCK - width - margin, margin, margin), mode="replicate")[:, 0]
        codes = (around * 255).round_().clamp_(0, 255).to(torch.uint8)
        self.packed = torch.empty((len(luma), height + 2 * margin, wide), dtype=torch.int64, device=luma.device)
        for first in range(BLOCK):
            self.packed[..., first::BLOCK] = codes[..., first : first + wide].contiguous().view(torch.int64)


class _Pairs:
    """Blocks of frames and of their neighbours, all of one size."""

    def __init__(self, level: _Level, centres: Tensor, neighbours: Tensor) -> None:
        height, self.width = level.packed.shape[1:]
        device = level.packed.device
        self.steps = level.steps
        self.numbers = level.packed.view(-1)
        first = level.margin - (BLOCK - CELL) // 2
        down = torch.arange(level.rows, device=device) * CELL + first
        across = torch.arange(level.columns, device=device) * CELL + first
        places = down[:, None] * self.width + across
        self.below = torch.arange(BLOCK, device=device)[:, None] * self.width
        self.places = places + neighbours[:, None, None] * (height * self.width)
        self.centres = self._blocks(places + centres[:, None, None] * (height * self.width))

    def search(self, flow: Tensor | None) -> Tensor:
        """Return the best moves, (P, 2, rows, columns), from those found at half the size, if any."""
        if flow is None:
            flow, costs = self._best_of_all()
        else:
            flow = (2 * flow).repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)
            costs = self._costs(flow)
        for step in self.steps:
            flow, costs = self._stepped(flow, costs, step)
        flow, costs = self._better(flow, costs, [_beside(flow, *side) for side in ((-1, 0), (1, 0), (0, -1), (0, 1))])
        return self._stepped(flow, costs, 1)[0]

    def _best_of_all(self) -> tuple[Tensor, Tensor]:
        """Try every move within reach."""
        reach = torch.arange(-WIDE, WIDE + 1, device=self.places.device)
        moves = torch.cartesian_prod(reach, reach)
        offsets = moves[:, 1] * self.width + moves[:, 0]
        blocks = self._blocks(offsets[:, None, None, None] + self.places).unflatten(0, (len(moves), -1))
        costs = _difference(blocks, self.centres).view(len(moves), *self.places.shape)
        costs, best = (costs + PRICE * moves.abs().amax(1)[:, None, None, None]).min(dim=0)
        return moves[best].movedim(-1, 1), costs

    def _stepped(self, flow: Tensor, costs: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Try a step of so many pixels to the left and right, then one up and down."""
        for way in ((step, 0), (0, step)):
            by = torch.tensor(way, device=flow.device)[:, None, None]
            flow, costs = self._better(flow, costs, [flow - by, flow + by])
        return flow, costs

    def _better(self, flow: Tensor, costs: Tensor, candidates: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
        for candidate in candidates:
            theirs = self._costs(candidate) + PRICE
            better = theirs < costs
            flow, costs = torch.where(better[:, None], candidate, flow), torch.where(better, theirs, costs)
        return flow, costs

    def _costs(self, flow: Tensor) -> Tensor:
        """How far every block is from where the flow points to: (P, rows, columns) int64."""
        blocks = self._blocks(self.places + flow[:, 1] * self.width + flow[:, 0])
        return _difference(blocks, self.centres).view(self.places.shape)

    def _blocks(self, places: Tensor) -> Tensor:
        """The blocks at ``places`` (..., columns), a line of them after another: (N, 8, columns * 8) uint8."""
        return self.numbers.take(places.reshape(-1, 1, places.shape[-1]) + self.below).view(torch.uint8)


def _difference(blocks: Tensor, others: Tensor) -> Tensor:
    """Sum of absolute differences of blocks (..., 8, columns * 8) uint8, each limited: (..., columns) int64."""
    apart = torch.maximum(blocks, others).sub_(torch.minimum(blocks, others)).clamp_(max=LIMIT)
    apart = apart[..., :4, :] + apart[..., 4:, :]
    apart = apart[..., :2, :] + apart[..., 2:, :]  # at most 4 * 51: still a byte
    eight = apart.view(torch.int64)
    four = (eight & BYTES) + ((eight >> 8) & BYTES)
    sums = (four * ONES) >> 48
    return sums[..., 0, :] + sums[..., 1, :]


def _beside(flow: Tensor, down: int, across: int) -> Tensor:
    """What the cell so many rows below and columns to the right has, the border repeated."""
    rows, columns = (torch.arange(size, device=flow.device) for size in flow.shape[-2:])
    rows, columns = (rows + down).clamp(0, len(rows) - 1), (columns + across).clamp(0, len(columns) - 1)
    return flow.index_select(-2, rows) if down else flow.index_select(-1, columns)


def _margin(index: int) -> int:
    """Pixels around a frame of level ``index`` that a move and its block can reach into."""
    reach = WIDE + sum(COARSE_STEPS) + 1
    for level in reversed(range(index, LEVELS - 1)):
        reach = 2 * reach + sum(FINE_STEPS if level == 0 else COARSE_STEPS) + 1
    return -(-(reach + BLOCK) // BLOCK) * BLOCK


def moved(frames: Tensor, flow: Tensor) -> Tensor:
    """Fetch every pixel from where the flow of its cell points to, the border repeated.

    Args:
        frames: (P, C, H, W).
        flow: (P, 2, H / 4, W / 4), int64, in pixels.

    """
    height, width = frames.shape[-2:]
    across, down = flow.repeat_interleave(CELL, dim=-2).repeat_interleave(CELL, dim=-1).unbind(1)
    rows = (torch.arange(height, device=flow.device)[:, None] + down).clamp_(0, height - 1)
    columns = (torch.arange(width, device=flow.device) + across).clamp_(0, width - 1)
    places = (rows * width + columns).flatten(1)[:, None]
    return frames.flatten(2).gather(2, places.expand(-1, frames.shape[1], -1)).view(frames.shape)
