"""Motion between frames by block matching: nothing to learn, and robust to dirt and grain."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.warp import flow_warp

LEVELS = 4  # 1/2, 1/4, 1/8 and 1/16 of the size
WIDE = 3  # cells searched each way at the coarsest level: 48 pixels
NARROW = 1  # at the others
BLOCK = 7  # cells; of every level but the finest
FINEST_BLOCK = 8  # there, 2x2 cells move together, and the block lies around their middle
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
    pairs = [(F.avg_pool2d(centre, 2), F.avg_pool2d(neighbour, 2))]
    for _ in range(LEVELS - 1):
        pairs.append((F.avg_pool2d(pairs[-1][0], 2), F.avg_pool2d(pairs[-1][1], 2)))
    coarse, other = pairs.pop()
    moves, costs = _costs(coarse, other, WIDE, BLOCK)
    flow = moves[costs.argmin(1)].permute(0, 3, 1, 2)
    while pairs:
        fine, other = pairs.pop()
        smooth = F.avg_pool2d(flow, 3, 1, 1)
        first = 2 * F.interpolate(smooth, scale_factor=2.0, mode="bilinear")
        warped = flow_warp(other, first, padding="border")
        if pairs:
            flow = first + _correction(*_costs(fine, warped, NARROW, BLOCK))
        else:
            flow = smooth + _correction(*_costs(fine, warped, NARROW, FINEST_BLOCK)) / 2
    return flow


def _correction(moves: Tensor, costs: Tensor) -> Tensor:
    """Mean of the moves (M, 2), each with the vote that its costs (P, M, h, w) earn: (P, 2, h, w)."""
    votes = torch.softmax(costs / -SOFTNESS, dim=1)
    return torch.stack([(votes * move[:, None, None]).sum(1) for move in moves.unbind(1)], dim=1)


def _costs(centre: Tensor, other: Tensor, search: int, block: int) -> tuple[Tensor, Tensor]:
    """Moves (M, 2), x before y, and what each costs (P, M, h, w): mean difference of the blocks around every cell.

    A block of an even number of cells lies around the middle of 2x2 cells; the costs are those of every such four.
    """
    height, width = centre.shape[-2:]
    around = F.pad(other, (search,) * 4, mode="replicate")
    reach = range(2 * search + 1)
    moves = [(x - search, y - search) for y in reach for x in reach]
    shifted = [around[..., y : y + height, x : x + width] for y in reach for x in reach]
    differences = torch.cat([(centre - moved).abs() for moved in shifted], dim=1).clamp_(max=LIMIT)
    step, edge = (1, block // 2) if block % 2 else (2, block // 2 - 1)
    rows = F.avg_pool2d(differences, (1, block), (1, step), (0, edge), count_include_pad=False)
    costs = F.avg_pool2d(rows, (block, 1), (step, 1), (edge, 0), count_include_pad=False)
    table = _table(moves, centre)
    return table, costs + STIFFNESS * table.norm(dim=1)[:, None, None]


def _table(moves: Sequence[tuple[int, int]], like: Tensor) -> Tensor:
    return torch.tensor(moves, dtype=torch.float32, device=like.device)
