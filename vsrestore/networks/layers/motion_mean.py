"""What belongs to frames (colours, detail) averaged over their neighbours along the motion. Nothing is learnt.

Block matching of a guide finds the motion, and a neighbour counts where its guide agrees, so that nothing bleeds over
moving edges; what is far from what most frames say counts little, so that a frame which is unlike its neighbours
follows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.block_matching import CELL, MULTIPLE, BlockSearch
from vsrestore.networks.layers.box import box_mean
from vsrestore.networks.layers.constant import constant
from vsrestore.networks.layers.warp import flow_warp

SMALLEST = 32
PATCH = 3  # pixels over which the guide has to agree
TOLERANCE = 0.04  # of the guide: the mean difference over a patch at which a neighbour counts 1 / e


@dataclass(frozen=True)
class MotionMean:
    """A mean over a window of frames.

    Args:
        likeness: distance of values, in the unit of the planes, at which one counts half.
        matched: longest edge in pixels of the pictures that motion is found in.
    """

    likeness: float
    matched: int

    def __call__(self, guide: Tensor, planes: Tensor, windows: Tensor) -> Tensor:
        """Average the planes of the centre of each window with those of its neighbours.

        Args:
            guide: (T, 1, H, W) in [0, 1], float32.
            planes: (T, C, H, W), float32.
            windows: (K, 2 * radius + 1), int64: positions in T, centre in the middle; positions that stand twice in a
                window (beyond a cut) count once.

        Returns:
            (K, C, H, W).
        """
        rows = [(row[len(row) // 2], sorted(set(row) - {row[len(row) // 2]})) for row in windows.tolist()]
        flows = self._flows(guide, [(centre, other) for centre, others in rows for other in others])
        parts = flows.split([len(others) for _, others in rows])
        return torch.stack([self._mean(guide, planes, *row, flow) for row, flow in zip(rows, parts, strict=True)])

    def _mean(self, guide: Tensor, planes: Tensor, centre: int, others: Sequence[int], flow: Tensor) -> Tensor:
        """Return the planes of a centre, averaged with those of P others; flow to them: (C, H, W)."""
        if not others:
            return planes[centre]
        own, flow = planes[centre : centre + 1], F.interpolate(flow, guide.shape[-2:], mode="bilinear")
        both = torch.stack([torch.cat((guide[other], planes[other])) for other in others])
        their_guide, theirs = flow_warp(both, flow, padding="border").split((1, planes.shape[1]), dim=1)
        centred = guide[centre : centre + 1]
        weights = torch.cat((torch.ones_like(centred), _agreement(centred, their_guide)))
        return self._robust_mean(torch.cat((own, theirs)), weights)

    def _robust_mean(self, values: Tensor, weights: Tensor) -> Tensor:
        """Mean of W values (W, C, h, w) by weights (W, 1, h, w), those far from it counting less: (C, h, w)."""
        distance = (values - _weighted_mean(values, weights)).square_().sum(1, keepdim=True)
        return _weighted_mean(values, weights / distance.div_(self.likeness**2).add_(1))

    def _flows(self, guide: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
        """Return the flow between P pairs of guides (T, 1, H, W), of cells, in pixels of H and W: (P, 2, h, w)."""
        if not pairs:
            return guide.new_empty((0, 2, 1, 1))
        search = BlockSearch(self._for_matching(guide))
        centres, others = torch.tensor(pairs).to(guide.device, non_blocking=True).unbind(1)
        flow = search.flow(centres, others)
        scale = [full / (CELL * cells) for full, cells in zip(guide.shape[:1:-1], flow.shape[:1:-1], strict=True)]
        return flow.float() * constant(scale, flow, torch.float32)[:, None, None]

    def _for_matching(self, guide: Tensor) -> Tensor:
        """Return guides (T, 1, H, W) in a size for block matching, without flicker of the whole picture."""
        size = [min(max(edge // MULTIPLE * MULTIPLE, SMALLEST), self.matched) for edge in guide.shape[-2:]]
        small = F.interpolate(guide, size, mode="bilinear", antialias=True)
        return small - small.mean((-2, -1), keepdim=True) + 0.5


def _weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum(0).div_(weights.sum(0))


def _agreement(guide: Tensor, warped: Tensor) -> Tensor:
    """Tell how far warped guides (P, 1, h, w) agree with the centre's, their mean brightness aside: 0 to 1."""
    difference = warped - guide
    difference -= difference.mean((1, 2, 3), keepdim=True)
    return box_mean(difference.abs_(), (PATCH, PATCH)).div_(-TOLERANCE).exp_()
