"""Motion through a point in time between two frames, by block matching: nothing to learn.

Flow from one frame to the other has holes where it is needed, at a time between them. So blocks of both frames are
compared along straight lines through every pixel of the frame that is to be made (bilateral motion estimation: Choi et
al., IEEE Trans. Circuits and Systems for Video Technology 2007; Park et al., BMBC, ECCV 2020). The search goes from
small copies of the frames to those of half their size. At each size both frames are moved by what has been found, and
all short moves of whole pixels are tried; the moves count by how well they fit (soft-argmin: Kendall et al., ICCV
2017), so that motion has fractions of pixels, and where nothing tells moves apart, that of the coarser size stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vsrestore.networks.layers.box import box_mean, halve
from vsrestore.networks.layers.warp import flow_warp

SIZES = 5  # 1/2 to 1/32 of the frames
MULTIPLE = 2**SIZES  # of height and width
FINEST_ROUNDS = 1  # at half of the size, which takes most of the time
ROUNDS = 2  # of moving and matching at each of the other sizes
REACH = 2  # pixels tried each way in a round
BLOCK = 7
FLATTENED = 0.5  # share of the mean around a pixel that is taken off: brightness may change
NEAR = 5  # size of the box of that mean
PRICE = 0.002  # of a pixel of a move, as a difference in [0, 1]: what a move must be better by
HIDDEN = 0.02  # share of a block that counts as fitting, so that blocks without a share that shows fit
BESIDE = 4  # pixels to the places whose motion is tried
UNKNOWN = 0.02  # how badly fits what moves out of a frame
SWITCH = 0.004  # what the motion of another place must be better by
NOISE, RELATIVE = 0.002, 0.05  # moves fit equally well if they differ by this, and by this share of the best
ALONE = 9  # what shows in one frame only moves like what is within such a box
LEAST = 0.05  # share of the box that must show in both
STEADY = 5  # size of the box over which the motion is averaged
DOUBT = 0.004  # a misfit that halves the trust in a move that fits fully
UNSHOWN = 0.01  # trust in what shows in one frame only


class Motion(NamedTuple):
    """Motion at half of the frames' size, in its pixels.

    flow: from the first to the second frame, (N, 2, h, w). misfit: how badly the best move fits, (N, 1, h, w), in
    [0, 1]. inside: whether the place that the motion comes from, and the one that it goes to, lie in the picture,
    (N, 2, h, w), 0 or 1.
    """

    flow: Tensor
    misfit: Tensor
    inside: Tensor


class Path(NamedTuple):
    """The straight lines that motion takes through a frame between two others.

    times: where that is between them, (N, 1, 1, 1), 0 to 1. height, width: of the picture, in pixels of the flow; what
    lies beyond is padding.
    """

    times: Tensor
    height: float
    width: float

    def ends(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Displacements from every pixel to where it comes from and goes to, (N, 2, h, w) each."""
        return -self.times * flow, (1 - self.times) * flow

    def inside(self, flow: Tensor) -> Tensor:
        """Whether both ends of the motion lie in the picture: (N, 2, h, w), 0 or 1."""
        rows, columns = flow.shape[-2:]
        across = torch.arange(columns, device=flow.device, dtype=flow.dtype)
        down = torch.arange(rows, device=flow.device, dtype=flow.dtype)[:, None]
        ends_inside = []
        for end in self.ends(flow):
            x, y = end[:, 0] + across, end[:, 1] + down
            ends_inside.append((x > -1) & (x < self.width) & (y > -1) & (y < self.height))
        return torch.stack(ends_inside, 1).to(flow.dtype)


@torch.no_grad()
def bilateral_motion(first: Tensor, second: Tensor, path: Path) -> Motion:
    """Find what moves through every pixel at a time between two frames.

    Args:
        first: luma (N, 1, H, W) in [0, 1], H and W multiples of 32.
        second: likewise.
        path: in pixels of the frames.
    """
    sizes = [(halve(first), halve(second))]
    while len(sizes) < SIZES:
        sizes.append((halve(sizes[-1][0]), halve(sizes[-1][1])))
    flow = torch.zeros_like(sizes[-1][0]).repeat(1, 2, 1, 1)
    for level, pair in reversed(list(enumerate(sizes, start=1))):
        flow = larger(flow) if level < len(sizes) else flow
        scaled = path._replace(height=path.height / 2**level, width=path.width / 2**level)
        earlier, later = (each - FLATTENED * box_mean(each, (NEAR, NEAR)) for each in pair)
        flow = _better(earlier, later, flow, _others(flow), scaled)
        for _ in range(ROUNDS if level > 1 else FINEST_ROUNDS):
            flow, misfit = _round(earlier, later, flow, scaled)
    return Motion(flow, misfit, scaled.inside(flow))


def larger(flow: Tensor) -> Tensor:
    """Flow (N, 2, h, w) at twice the size."""
    return 2 * F.interpolate(flow, scale_factor=2.0, mode="bilinear")


def _round(first: Tensor, second: Tensor, flow: Tensor, path: Path) -> tuple[Tensor, Tensor]:
    """Correct a flow by the short moves that fit best; also how badly they fit."""
    back, ahead = path.ends(flow)
    visible = path.inside(flow).prod(1, keepdim=True)
    costs = _costs(flow_warp(first, back, "border"), flow_warp(second, ahead, "border"), visible)
    least = costs.amin(1, keepdim=True)
    shares = torch.softmax((least - costs) / (NOISE + RELATIVE * least), dim=1)
    flow = flow + _mean_move(shares)
    return _steadied(median3x3(_spread(flow, visible)), least, visible), least


def _others(flow: Tensor) -> list[Tensor]:
    """Motion that a pixel may have instead: none, as what a camera follows, or that of pixels at some distance."""
    height, width = flow.shape[-2:]
    around = F.pad(flow, (BESIDE,) * 4, mode="replicate")
    places = ((0, BESIDE), (2 * BESIDE, BESIDE), (BESIDE, 0), (BESIDE, 2 * BESIDE))
    beside = [around[..., y : y + height, x : x + width] for y, x in places]
    return [torch.zeros_like(flow), *beside]


def _better(first: Tensor, second: Tensor, flow: Tensor, others: Sequence[Tensor], path: Path) -> Tensor:
    """Take another motion where it fits clearly better."""
    best, cost = flow, _cost(first, second, flow, path)
    for other in others:
        theirs = _cost(first, second, other, path) + SWITCH
        best = torch.where(theirs < cost, other, best)
        cost = torch.minimum(theirs, cost)
    return best


def _cost(first: Tensor, second: Tensor, flow: Tensor, path: Path) -> Tensor:
    """How badly blocks fit, (N, 1, h, w); what moves out of a frame fits as badly as can be told apart from noise."""
    back, ahead = path.ends(flow)
    apart = (flow_warp(first, back, "border") - flow_warp(second, ahead, "border")).abs_()
    visible = path.inside(flow).prod(1, keepdim=True)
    return box_mean(torch.where(visible > 0, apart, UNKNOWN), (BLOCK, BLOCK))


def _costs(first: Tensor, second: Tensor, visible: Tensor) -> Tensor:
    """How badly blocks fit for every short move, (N, M, h, w), those down outside and those across inside.

    A move is divided between the frames: the first goes back by half of it, the second ahead.
    """
    height, width = first.shape[-2:]
    first, second = (F.pad(each, (REACH,) * 4, mode="replicate")[:, 0] for each in (first, second))
    span = range(-REACH, REACH + 1)
    apart = []
    for down, across in ((down, across) for down in span for across in span):
        top, left = REACH - down // 2, REACH - across // 2
        low, right = top + down, left + across
        theirs = second[:, low : low + height, right : right + width]
        apart.append((first[:, top : top + height, left : left + width] - theirs).abs_())
    costs = torch.stack(apart, 1)
    # A card would have to be waited for, so it does without the shorter way of the same values.
    if visible.device.type == "cpu" and bool(visible.all()):
        costs = box_mean(costs, (BLOCK, BLOCK))
    else:
        share = torch.where(visible.all(), 1.0, box_mean(visible, (BLOCK, BLOCK)) + HIDDEN)
        costs = box_mean(costs * visible, (BLOCK, BLOCK)) / share
    steps = torch.arange(-REACH, REACH + 1, device=costs.device, dtype=costs.dtype)
    return costs + PRICE * torch.hypot(steps[:, None], steps[None]).view(-1, 1, 1)


def _mean_move(shares: Tensor) -> Tensor:
    """Mean of the short moves, (N, 2, h, w), each with its share (N, M, h, w)."""
    count = 2 * REACH + 1
    steps = torch.arange(-REACH, REACH + 1, device=shares.device, dtype=shares.dtype).view(-1, 1, 1)
    by_rows = shares.unflatten(1, (count, count))
    return torch.stack([(by_rows.sum(dim) * steps).sum(1) for dim in (1, 2)], dim=1)


def _spread(flow: Tensor, visible: Tensor) -> Tensor:
    """Give what shows in one frame only the mean motion of what shows in both near it."""
    if visible.device.type == "cpu" and bool(visible.all()):  # else nothing changes below
        return flow
    near = box_mean(visible, (ALONE, ALONE))
    mean = box_mean(flow * visible, (ALONE, ALONE)) / (near + 1e-4)
    return torch.where((visible == 0) & (near > LEAST), mean, flow)


def _steadied(flow: Tensor, misfit: Tensor, visible: Tensor) -> Tensor:
    """Take the mean motion around every pixel, where a better fit counts for more."""
    trust = (visible + UNSHOWN) / (misfit + DOUBT).square()
    return box_mean(flow * trust, (STEADY, STEADY)) / box_mean(trust, (STEADY, STEADY))


def median3x3(x: Tensor) -> Tensor:
    """Median of the 3x3 elements around each of ``x`` (N, C, h, w), the border repeated.

    By minima and maxima: sort columns of three, then the middle one of the largest of the least, the middle one of the
    middle ones, and the least of the largest (Smith, Xcell 1996).
    """
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    low, middle, high = _sorted3(x[..., :-2, :], x[..., 1:-1, :], x[..., 2:, :])
    low = _three(low, torch.maximum)
    high = _three(high, torch.minimum)
    middle = _sorted3(middle[..., :-2], middle[..., 1:-1], middle[..., 2:])[1]
    return _sorted3(low, middle, high)[1]


def _sorted3(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    return torch.minimum(low, c), torch.maximum(low, torch.minimum(high, c)), torch.maximum(high, c)


def _three(x: Tensor, of: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    return of(of(x[..., :-2], x[..., 1:-1]), x[..., 2:])
