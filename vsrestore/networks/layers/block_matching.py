"""Motion between frames by block matching: nothing to learn, and robust to dirt and grain."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.box import box_mean, box_sum, halve
from vsrestore.networks.layers.warp import flow_warp

LEVELS = 4  # 1/2, 1/4, 1/8 and 1/16 of the size
WIDE = 3  # cells searched each way at the coarsest level: 48 pixels
NARROW = 1  # at the others
BLOCK = 7  # cells; of every level but the finest, where 2x2 cells move together
LIMIT = 0.2  # a cell differs by this much at most: a speck must not outweigh the block around it
STIFFNESS = 5e-4  # cost of moving by a cell, so that flat areas stay where they are
SOFTNESS = 3e-3  # differences of cost below it share the vote, which gives fractions of cells


def block_flow(centre: Tensor, neighbour: Tensor) -> Tensor:
    """Flow from centre frames to their neighbours, coarse to fine.

    Args:
        centre: luma (P, 1, H, W) in [0, 1], float32; H and W multiples of 16.
        neighbour: luma of the same shape.

    Returns:
        (P, 2, H / 4, W / 4), float32, in pixels of its own size: ``neighbour[y + flow_y, x + flow_x]`` matches
        ``centre[y, x]``.

    """
    pairs = [(halve(centre), halve(neighbour))]
    for _ in range(LEVELS - 1):
        pairs.append((halve(pairs[-1][0]), halve(pairs[-1][1])))
    coarse, other = pairs.pop()
    moves = _moves(WIDE, coarse)
    costs = _blocks(_differences(coarse, other, WIDE), moves)
    flow = moves[costs.argmin(1)].permute(0, 3, 1, 2)
    moves = _moves(NARROW, coarse)
    while pairs:
        fine, other = pairs.pop()
        smooth = box_mean(flow, (3, 3))
        first = 2 * F.interpolate(smooth, scale_factor=2.0, mode="bilinear")
        differences = _differences(fine, flow_warp(other, first, padding="border"), NARROW)
        if pairs:
            flow = first + _vote(moves, _blocks(differences, moves))
        else:
            flow = smooth + _vote(moves, _small_blocks(halve(differences), moves)) / 2
    return flow


def _vote(moves: Tensor, costs: Tensor) -> Tensor:
    """Mean of the moves (M, 2), each with the vote that its costs (P, M, h, w) earn: (P, 2, h, w)."""
    votes = torch.softmax(costs / -SOFTNESS, dim=1)
    return torch.stack([(votes * move[:, None, None]).sum(1) for move in moves.unbind(1)], dim=1)


def _moves(search: int, like: Tensor) -> Tensor:
    """All moves of up to ``search`` cells each way, (M, 2), x before y."""
    reach = range(-search, search + 1)
    return torch.tensor([(x, y) for y in reach for x in reach], dtype=torch.float32, device=like.device)


def _differences(centre: Tensor, other: Tensor, search: int) -> Tensor:
    """How far every cell of ``centre`` is from that of ``other``, for every move: (P, M, h, w)."""
    height, width = centre.shape[-2:]
    around = F.pad(other, (search,) * 4, mode="replicate")
    reach = range(2 * search + 1)
    out = centre.new_empty(len(centre), len(reach) ** 2, height, width)
    for move, (y, x) in enumerate((y, x) for y in reach for x in reach):
        torch.sub(centre, around[..., y : y + height, x : x + width], out=out[:, move : move + 1])
    return out.abs_().clamp_(max=LIMIT)


def _blocks(differences: Tensor, moves: Tensor) -> Tensor:
    """What each move costs every cell: the mean difference of the block around it, and the move itself."""
    return box_mean(differences, (BLOCK, BLOCK)) + STIFFNESS * moves.norm(dim=1)[:, None, None]


def _small_blocks(differences: Tensor, moves: Tensor) -> Tensor:
    """The same for 2x2 cells, whose blocks are 5 wide and high with halves at the ends: 8 cells, as it were."""
    around = F.pad(differences, (2,) * 4, mode="replicate")
    costs = around
    for dim in (-1, -2):
        costs = box_sum(box_sum(costs, 4, dim), 2, dim)
    return costs / 64 + STIFFNESS * moves.norm(dim=1)[:, None, None]
