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
BLOCK = 7  # cells; of every level
LIMIT = 0.2  # a cell differs by this much at most: a speck must not outweigh the block around it
STIFFNESS = 5e-4  # cost of moving by a cell, so that flat areas stay where they are
SOFTNESS = 3e-3  # differences of cost below it share the vote, which gives fractions of cells


def block_flow(centre: Tensor, neighbour: Tensor) -> Tensor:
    """Flow from centre frames to their neighbours, coarse to fine.

    Args:
        centre: luma (P, 1, H, W) in [0, 1], float32; H and W multiples of 16.
        neighbour: luma of the same shape.

    Returns:
        (P, 2, H / 2, W / 2), float32, in pixels of its own size: ``neighbour[y + flow_y, x + flow_x]`` matches
        ``centre[y, x]``.

    """
    pairs = [(F.avg_pool2d(centre, 2), F.avg_pool2d(neighbour, 2))]
    for _ in range(LEVELS - 1):
        pairs.append((F.avg_pool2d(pairs[-1][0], 2), F.avg_pool2d(pairs[-1][1], 2)))
    coarse, other = pairs.pop()
    moves, costs = _costs(coarse, other, WIDE)
    flow = moves[costs.argmin(1)].permute(0, 3, 1, 2)
    while pairs:
        fine, other = pairs.pop()
        flow = 2 * F.interpolate(F.avg_pool2d(flow, 3, 1, 1), scale_factor=2.0, mode="bilinear")
        moves, costs = _costs(fine, flow_warp(other, flow, padding="border"), NARROW)
        votes = torch.softmax(costs / -SOFTNESS, dim=1)
        flow = flow + torch.stack([(votes * move[:, None, None]).sum(1) for move in moves.unbind(1)], dim=1)
    return flow


def _costs(centre: Tensor, other: Tensor, search: int) -> tuple[Tensor, Tensor]:
    """Moves (M, 2), x before y, and what each costs (P, M, h, w): mean difference of the blocks around every cell."""
    height, width = centre.shape[-2:]
    around = F.pad(other, (search,) * 4, mode="replicate")
    reach = range(2 * search + 1)
    moves = [(x - search, y - search) for y in reach for x in reach]
    shifted = [around[..., y : y + height, x : x + width] for y in reach for x in reach]
    differences = torch.cat([(centre - moved).abs() for moved in shifted], dim=1).clamp_(max=LIMIT)
    rows = F.avg_pool2d(differences, (1, BLOCK), 1, (0, BLOCK // 2), count_include_pad=False)
    costs = F.avg_pool2d(rows, (BLOCK, 1), 1, (BLOCK // 2, 0), count_include_pad=False)
    table = _table(moves, centre)
    return table, costs + STIFFNESS * table.norm(dim=1)[:, None, None]


def _table(moves: Sequence[tuple[int, int]], like: Tensor) -> Tensor:
    return torch.tensor(moves, dtype=torch.float32, device=like.device)
