"""Motion between frames by block matching: nothing to learn, and robust to dirt and grain.

Every cell of 4x4 pixels takes the move of whole pixels for which the block of 8x8 pixels around it fits best. The
search goes from small copies of the frames to the frames themselves (Bierling, VCIP 1988); at each size a cell begins
with what was found at half of it, and then tries short steps and what the cells beside it found (Barnes et al.,
"PatchMatch", SIGGRAPH 2009).

Pixels are compared as bytes. Eight of a row are packed into one number, so that a block is eight numbers to fetch.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from vsrestore.networks.layers.at_once import AtOnce
from vsrestore.networks.layers.box import halve

LEVELS = 4  # 1, 1/2, 1/4 and 1/8 of the size
MULTIPLE = 32  # of height and width, so that every size is made of whole cells
WIDE = 3  # pixels searched each way at the smallest size: 24 at the largest, and what the steps add
FINE_STEPS, COARSE_STEPS = (1,), (4, 2, 1)  # pixels: tried one after another at the largest size, at the others
CELL, BLOCK = 4, 8
LIMIT = 51  # codes; a pixel differs by this much at most: a speck must not outweigh the block around it
PRICE = 3  # codes summed over a block: what a move must be better by
BLOCKS = AtOnce(2**16, 2**20)  # compared at once; on a processor so many that they stay in the cache
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
            pairs = BLOCKS.parts(self.device, level.rows * level.columns)
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
        codes = (luma * 255).round_().clamp_(0, 255)
        codes = F.pad(codes, (margin, wide + BLOCK - width - margin, margin, margin), mode="replicate")
        self.packed = _packed(codes[:, 0].to(torch.uint8), wide)


class _Blocks(NamedTuple):
    """N blocks, each (8, N * 8) uint8: their pixels, and the least and the most that one of others counts as."""

    pixels: Tensor
    least: Tensor
    most: Tensor

    @classmethod
    def of(cls, pixels: Tensor) -> Self:
        """Return blocks with such pixels."""
        return cls(pixels, pixels.clamp(min=LIMIT) - LIMIT, pixels.clamp(max=255 - LIMIT) + LIMIT)


class _Pairs:
    """Blocks of frames and of their neighbours, all of one size.

    While a size is searched, a move is one number: what it adds to the place of a block in memory.
    """

    def __init__(self, level: _Level, centres: Tensor, neighbours: Tensor) -> None:
        height, self.width = level.packed.shape[1:]
        device = level.packed.device
        self.steps = level.steps
        self.numbers = level.packed.view(-1)
        first = level.margin - (BLOCK - CELL) // 2
        down = torch.arange(level.rows, device=device) * CELL + first
        across = torch.arange(level.columns, device=device) * CELL + first
        places = down[:, None] * self.width + across
        self.places = places + neighbours[:, None, None] * (height * self.width)
        rows = self._rows(places + centres[:, None, None] * (height * self.width), BLOCK)
        self.centres = _Blocks.of(rows)

    def search(self, flow: Tensor | None) -> Tensor:
        """Return the best moves, (P, 2, rows, columns), from those found at half the size, if any."""
        if flow is None:
            moves, costs = self._best_of_all()
        else:
            moves = (2 * (flow[:, 1] * self.width + flow[:, 0])).repeat_interleave(2, -2).repeat_interleave(2, -1)
            costs = self._costs(moves)
        for step in self.steps:
            moves, costs = self._stepped(moves, costs, step)
        for beside in [_beside(moves, *side) for side in ((-1, 0), (1, 0), (0, -1), (0, 1))]:
            moves, costs = _better(moves, costs, beside, self._costs(beside))
        moves, _ = self._stepped(moves, costs, 1)
        across = (moves + self.width // 2) % self.width - self.width // 2
        return torch.stack((across, (moves - across) // self.width), dim=1)

    def _best_of_all(self) -> tuple[Tensor, Tensor]:
        """Try every move within reach."""
        best, costs = torch.zeros_like(self.places), torch.full_like(self.places, 2**30)
        for across in range(-WIDE, WIDE + 1):
            rows = self._rows(self.places + (across - WIDE * self.width), BLOCK + 2 * WIDE)
            for down in range(-WIDE, WIDE + 1):
                theirs = self._difference(rows[WIDE + down :]) + PRICE * max(abs(across), abs(down))
                better = theirs < costs
                best = torch.where(better, down * self.width + across, best)
                costs = torch.minimum(theirs, costs)
        return best, costs

    def _stepped(self, moves: Tensor, costs: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Try a step of so many pixels to the left and right, then one up and down."""
        left, right = moves - step, moves + step
        theirs = self._costs(left), self._costs(right)
        moves, costs = _better(*_better(moves, costs, left, theirs[0]), right, theirs[1])
        up, down = moves - step * self.width, moves + step * self.width
        rows = self._rows(self.places + up, BLOCK + 2 * step)
        theirs = self._difference(rows), self._difference(rows[2 * step :])
        return _better(*_better(moves, costs, up, theirs[0]), down, theirs[1])

    def _costs(self, moves: Tensor) -> Tensor:
        """How far every block is from where its move leads to: (P, rows, columns) int64."""
        return self._difference(self._rows(self.places + moves, BLOCK))

    def _difference(self, rows: Tensor) -> Tensor:
        return _difference(rows[:BLOCK], self.centres).view(self.places.shape)

    def _rows(self, places: Tensor, count: int) -> Tensor:
        """So many rows of every block, the first one at ``places`` (N in all): (count, N * 8) uint8."""
        reach = len(self.numbers) - (count - 1) * self.width
        rows = self.numbers.as_strided((count, reach), (self.width, 1))
        return rows.gather(1, places.view(1, -1).expand(count, -1)).view(torch.uint8)


def _better(moves: Tensor, costs: Tensor, others: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """Take the other moves where they are better by the price of a move."""
    theirs = theirs + PRICE
    return torch.where(theirs < costs, others, moves), torch.minimum(theirs, costs)


def _difference(blocks: Tensor, others: _Blocks) -> Tensor:
    """Sum of absolute differences of N blocks (8, N * 8) uint8, each limited: (N,) int64."""
    apart = blocks.clamp(others.least, others.most).sub_(others.pixels)  # modulo 256: signed bytes
    apart = apart.view(torch.int8).abs_().view(torch.uint8)
    apart = apart[:4] + apart[4:]
    eight = (apart[:2] + apart[2:]).view(torch.int64)  # at most 4 * 51: still bytes
    four = (eight & BYTES).add_((eight >> 8).bitwise_and_(BYTES))
    return (four[0] + four[1]).mul_(ONES).bitwise_right_shift_(48)


def _beside(moves: Tensor, down: int, across: int) -> Tensor:
    """What the cell so many rows below and columns to the right has, the border repeated."""
    rows, columns = (torch.arange(size, device=moves.device) for size in moves.shape[-2:])
    rows, columns = (rows + down).clamp(0, len(rows) - 1), (columns + across).clamp(0, len(columns) - 1)
    return moves.index_select(-2, rows) if down else moves.index_select(-1, columns)


def _packed(codes: Tensor, count: int) -> Tensor:
    """Eight bytes of a row (..., w) uint8 as one number, from each of the first ``count`` on: (..., count) int64."""
    if codes.device.type != "cpu":
        return codes.unfold(-1, BLOCK, 1)[..., :count, :].contiguous().view(torch.int64).squeeze(-1)
    # NumPy sees a number at every byte and copies it as one: ten times faster than as eight bytes.
    numbers = sliding_window_view(codes.numpy(), BLOCK, axis=-1)[..., :count, :].view(np.int64)
    return torch.from_numpy(numbers[..., 0].copy())


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
    numbers = torch.arange(len(frames), device=frames.device)
    return joined(moved_phases(with_border(frames), numbers, flow))


def with_border(frames: Tensor) -> Tensor:
    """Repeat the border of frames (F, C, H, W) by a cell, as ``moved_phases`` needs them: contiguous."""
    return F.pad(frames, (CELL,) * 4, mode="replicate").contiguous()


def moved_phases(frames: Tensor, numbers: Tensor, flow: Tensor) -> Tensor:
    """Fetch every pixel of some frames from where the flow of its cell points to, the border repeated, as phases.

    Args:
        frames: (F, C, H + 8, W + 8), contiguous: with a border of a cell, and cells further out are the same as that.
        numbers: the frames to fetch from, (P,), int64.
        flow: (P, 2, H / 4, W / 4), int64, in pixels.

    Returns:
        (P, C, 4, H / 2, W / 2), see ``phases``.

    """
    channels, tall, wide = frames.shape[1:]
    rows, columns = flow.shape[-2:]
    down = torch.arange(rows, device=flow.device)[:, None] * CELL + CELL
    across = torch.arange(columns, device=flow.device) * CELL + CELL
    down = (flow[:, 1] + down).clamp_(0, tall - CELL)
    across = (flow[:, 0] + across).clamp_(0, wide - CELL)
    cells = down * wide + across + numbers[:, None, None] * (channels * tall * wide)
    half = torch.arange(0, CELL, 2, device=flow.device)
    places = cells[:, :, None, :, None] + half[:, None, None] * wide + half  # of every 2x2 pixels
    # One view per channel and phase, so that all of them are fetched from the same places.
    shape = (len(flow), channels, 2, 2, frames.numel() - (channels - 1) * tall * wide - wide - 1)
    pixels = frames.as_strided(shape, (0, tall * wide, wide, 1, 1))
    blocks = pixels.gather(-1, places.view(-1, 1, 1, 1, places[0].numel()).expand(-1, *shape[1:4], -1))
    return blocks.view(-1, channels, 4, 2 * rows, 2 * columns)


def phases(frames: Tensor) -> Tensor:
    """Take the four pixels of every 2x2 of frames (N, C, H, W) apart: (N, C, 4, H / 2, W / 2)."""
    blocks = frames.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2))
    return blocks.permute(0, 1, 3, 5, 2, 4).flatten(2, 3)


def joined(apart: Tensor) -> Tensor:
    """Put the phases (N, C, 4, H / 2, W / 2) of frames together again: (N, C, H, W)."""
    return F.pixel_shuffle(apart.flatten(1, 2), 2)
