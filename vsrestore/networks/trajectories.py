"""Trajectories: puts back what a repair took out of a picture although it flies through it: balls, birds, sparks.

Dirt is on one frame. What flies is on several, each time elsewhere, and where it moves by more than its own size from
frame to frame, a network that compares the frames takes it for dirt. Here what a repair changed is taken apart into
blobs of cells that touch. A blob stays in the picture if two more like it in size and colour lie in the neighbours
where a path of steady acceleration leads through, and a third, too, or the picture has something of its colour and size
there which the repair left, or the path leaves the frame. Nothing is learnt.

The pieces are well known: connected components, constant acceleration as in the tracking of targets, centre and
surround as in detectors of blobs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.box import box_mean

CELL, TALL = 4, 480  # px of a cell, and the height of frames for which that holds
CHANGED, GRAIN = 0.04, 3  # what a repair changed by less, also on average over so many px each way, does not count
SPREAD = 12  # cells that a blob may reach from its last one
LEAST, MOST = 6, 4000  # px of a blob
LIMIT = 400  # blobs of a frame; with more, paths would be found by chance, and it is taken to have none
ALIKE_SIZE, ALIKE_COLOUR = 1.0, 0.2  # by how much blobs may differ, sizes in the logarithm
FASTEST = 64.0  # px from frame to frame
SLOWEST, OF_ITS_SIZE = 3.0, 0.6  # what moves by fewer px, or by less of its own size, the repair leaves
# Two neighbours, by how many frames later they are, through whose blobs a path may lead, and those to one of which it
# has to go on, if not out of the frame.
PATHS = MappingProxyType({(-1, 1): (-2, 2), (1, 2): (-1,), (-2, -1): (1,)})
GAPS = MappingProxyType({(-1, 2): 1, (-2, 1): -1})  # the same, and the frame between in which the repair left it
BEND, BEND_SHARE = 2.0, 0.1  # px by which a path may bend from frame to frame, and more as a share of the speed
STRAIGHT = 1.0  # px by which it may bend where its fourth blob is not seen: it is outside, or in a gap
ASIDE, ASIDE_SHARE = 1.5, 0.05  # px beside a path for every frame away, and more as a share of the speed
# Where something of a blob's size is looked for: a square well within it, and one around it, as parts of half its side;
# px more than that around it; and how many points of nine and of eight have to be as they should.
WITHIN, AROUND, MARGIN = 0.54, 1.9, (-0.5, 1.0)
LIKE_IT, UNLIKE_IT = 8, 6


class Blobs(NamedTuple):
    """What a repair changed in a frame; lengths in px of a frame of ``TALL`` rows.

    labels: of the blob that each cell belongs to, (h, w), 0 where there is none. numbers: the labels of the blobs (B,).
    places: rows and columns (B, 2). sizes: (B,). colours: what was there before the repair, (B, 3). picture: the whole
    frame before it, (3, H, W), and scale: its px per px of a frame of ``TALL`` rows.
    """

    labels: Tensor
    numbers: Tensor
    places: Tensor
    sizes: Tensor
    colours: Tensor
    picture: Tensor
    scale: int


class Trajectories(nn.Module):
    """Put back in repaired frames what flies through the frames that were repaired."""

    def forward(self, frames: Tensor, windows: Tensor, before: Tensor) -> Tensor:
        """Look at one frame per window.

        Args:
            frames: repaired, (N, T, 3, H, W).
            windows: (K, W), int64: the positions in T that form each window, centre in the middle; what stands there
                again for want of others counts once.
            before: as they were before the repair, (N, T, 3, H, W).

        Returns:
            (N, K, 3, H, W): ``frames``, with ``before`` where something flies.

        """
        return torch.stack([_put_back(*pair, windows.tolist()) for pair in zip(frames, before, strict=True)])


def _put_back(repaired: Tensor, before: Tensor, windows: list[list[int]]) -> Tensor:
    """Look at one frame per window of frames (T, 3, H, W)."""
    height, width = repaired.shape[-2:]
    scale = max(1, round(height / TALL))
    blobs = _blobs(repaired, before, scale)
    frames = []
    for window in windows:
        around = sorted(set(window))
        centre = window[len(window) // 2]
        neighbours = {position - around.index(centre): blobs[at] for position, at in enumerate(around) if at != centre}
        flies = _on_a_path(blobs[centre], neighbours)
        frame = repaired[centre]
        if bool(flies.any()):
            cells = torch.isin(blobs[centre].labels, blobs[centre].numbers[flies])
            wider = F.max_pool2d(cells[None, None].float(), 3, 1, 1)
            whole = F.interpolate(wider, scale_factor=float(CELL * scale))[0, :, :height, :width]
            frame = torch.where(whole > 0, before[centre], frame)
        frames.append(frame)
    return torch.stack(frames)


def _blobs(repaired: Tensor, before: Tensor, scale: int) -> list[Blobs]:
    """Take apart what was changed in frames (T, 3, H, W)."""
    change = (before - repaired).mean(1, keepdim=True)
    changed = torch.minimum(change.abs(), box_mean(change, (GRAIN, GRAIN)).abs()) > CHANGED
    return [_measured(*pair, scale) for pair in zip(before, changed[:, 0], strict=True)]


def _measured(picture: Tensor, changed: Tensor, scale: int) -> Blobs:
    """Measure the blobs of a frame (3, H, W) in which so much is changed (H, W)."""
    (height, width), cell = changed.shape, CELL * scale
    border = (0, -width % cell, 0, -height % cell)
    cells = F.pad(changed.to(picture.dtype), border).unflatten(1, (-1, cell)).unflatten(0, (-1, cell)).movedim(1, 2)
    counts = cells.sum((2, 3)) / scale**2
    labels = _labels(counts >= 2)
    numbers = labels.unique()
    numbers = numbers[numbers > 0]
    if len(numbers) > LIMIT:
        labels, numbers = torch.zeros_like(labels), numbers[:0]
    ys, xs = labels.nonzero(as_tuple=True)
    belongs = labels[ys, xs] == numbers[:, None]
    pixels = F.pad(picture, border).unflatten(2, (-1, cell)).unflatten(1, (-1, cell)).movedim(2, 3)[:, ys, xs]
    colours = (pixels * cells[ys, xs]).sum((2, 3)) / scale**2
    sizes = counts[ys, xs]
    parts = torch.stack((sizes, sizes * ys, sizes * xs, *colours), dim=1)
    total = belongs.to(parts.dtype) @ parts  # sums in one order, as `index_add` on a card does not
    means = total[:, 1:] / total[:, :1]
    return Blobs(labels, numbers, (means[:, :2] + 0.5) * CELL, total[:, 0], means[:, 2:], picture, scale)


def _labels(there: Tensor) -> Tensor:
    """Give cells (h, w) that touch the same number, others 0; what reaches further than ``SPREAD`` has several."""
    mask = there.float()
    labels = torch.arange(1, there.numel() + 1, dtype=mask.dtype, device=mask.device).view(there.shape) * mask
    for _ in range(SPREAD):
        spread = F.max_pool2d(labels[None], 3, 1, 1)[0] * mask
        if torch.equal(spread, labels):
            break
        labels = spread
    return labels.long()


class _Paths(NamedTuple):
    """Paths through blobs of a frame.

    blobs: their numbers, (P,). places, speeds, bends: in px, (P, 2): where a path is in that frame, how far it leads to
    the next one, and by how much that changes from frame to frame.
    """

    blobs: Tensor
    places: Tensor
    speeds: Tensor
    bends: Tensor

    @property
    def straight(self) -> Tensor:
        """Which hardly bend, (P,), bool."""
        return self.bends.norm(dim=1) < STRAIGHT


def _on_a_path(blobs: Blobs, neighbours: dict[int, Blobs]) -> Tensor:
    """Tell which blobs lie on a path through those of neighbours, by how many frames later those are: (B,), bool."""
    flies = torch.zeros_like(blobs.sizes, dtype=torch.bool)
    for pair, further in PATHS.items():
        if neighbours.keys() >= set(pair):
            paths = _paths(blobs, neighbours, *pair)
            for age in neighbours.keys() & set(further):
                goes_on = _leads_to(paths, blobs, neighbours[age], age) | _leads_out(paths, blobs, age)
                goes_on |= _is_left(paths, blobs, neighbours[age], age)
                flies[paths.blobs[goes_on]] = True
    for pair, age in GAPS.items():
        if neighbours.keys() >= {*pair, age}:
            paths = _paths(blobs, neighbours, *pair)
            flies[paths.blobs[paths.straight & _is_left(paths, blobs, neighbours[age], age)]] = True
    return flies


def _paths(blobs: Blobs, neighbours: dict[int, Blobs], s: int, t: int) -> _Paths:
    """Return the paths through a blob, one of the frame s later and one of the frame t later."""
    one, other = (_within_reach(blobs, neighbours[age], age) for age in (s, t))
    number, first, second = _joined(one, other, len(blobs.sizes))
    here = blobs.places[number]
    one, other = neighbours[s].places[first] - here, neighbours[t].places[second] - here
    speeds = (one * t**2 - other * s**2) / (s * t * (t - s))
    bends = 2 * (other * s - one * t) / (s * t * (t - s))
    pace = speeds.norm(dim=1)
    fits = (bends.norm(dim=1) < BEND + BEND_SHARE * pace) & (pace < FASTEST)
    fits &= (pace > SLOWEST) & (pace > OF_ITS_SIZE * blobs.sizes[number].sqrt())
    return _Paths(number[fits], here[fits], speeds[fits], bends[fits])


def _leads_to(paths: _Paths, blobs: Blobs, others: Blobs, age: int) -> Tensor:
    """Tell which paths lead to one of the other blobs, of the frame so many later, that is like theirs: (P,), bool."""
    near = torch.cdist(_after(paths, age), others.places) < _aside(paths, age)[:, None]
    return (near & _alike(blobs, others)[paths.blobs]).any(1)


def _is_left(paths: _Paths, blobs: Blobs, others: Blobs, age: int) -> Tensor:
    """Tell which paths lead to something of their blob's size and colour that the repair left, (P,), bool."""
    squares = torch.tensor([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)], device=others.picture.device)
    around = squares[squares.any(1)]
    half, colours = (blobs.sizes.sqrt() / 2)[paths.blobs, None, None, None], blobs.colours[paths.blobs, :, None, None]
    # A path, a place beside it, a point, its row and column.
    places = (_after(paths, age)[:, None] + squares * _aside(paths, age)[:, None, None])[:, :, None]
    differences = [
        (_colours_at(places + points * share * (half + margin), others) - colours).norm(dim=1)
        for points, share, margin in zip((squares, around), (WITHIN, AROUND), MARGIN, strict=True)
    ]
    like = (differences[0] < ALIKE_COLOUR).sum(2) >= LIKE_IT
    return (like & ((differences[1] > ALIKE_COLOUR).sum(2) >= UNLIKE_IT)).any(1)


def _colours_at(places: Tensor, blobs: Blobs) -> Tensor:
    """Return the colours of a frame at places (P, A, B, 2), (P, 3, A, B); NaN beyond its borders."""
    height, width = blobs.picture.shape[1:]
    y, x = (places * blobs.scale).round().long().unbind(-1)
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    colours = blobs.picture[:, y.clamp(0, height - 1), x.clamp(0, width - 1)]
    return torch.where(inside, colours, torch.nan).movedim(0, 1)


def _leads_out(paths: _Paths, blobs: Blobs, age: int) -> Tensor:
    """Tell which paths are straight and lead out of the frame, where their blob would not be seen whole: (P,), bool."""
    place, margin = _after(paths, age), blobs.sizes[paths.blobs, None].sqrt() / 2
    size = torch.tensor(blobs.picture.shape[1:], device=place.device) / blobs.scale
    return ((place < margin) | (place > size - margin)).any(1) & paths.straight


def _after(paths: _Paths, age: int) -> Tensor:
    return paths.places + paths.speeds * age + paths.bends * (age**2 / 2)


def _aside(paths: _Paths, age: int) -> Tensor:
    return (ASIDE + ASIDE_SHARE * paths.speeds.norm(dim=1)) * abs(age)


def _within_reach(blobs: Blobs, others: Blobs, age: int) -> Tensor:
    """Pairs of a blob and one that is like it within reach, (2, P), in the order of the former."""
    small = (blobs.sizes >= LEAST) & (blobs.sizes <= MOST)
    near = torch.cdist(blobs.places, others.places) < FASTEST * abs(age)
    return (near & _alike(blobs, others) & small[:, None]).nonzero().T


def _joined(one: Tensor, other: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Combine pairs (2, P) and (2, Q) that begin with the same number below a count: it, and both its partners."""
    each = torch.bincount(other[0], minlength=count)
    starts, times = each.cumsum(0) - each, each[one[0]]
    number, first = one.repeat_interleave(times, dim=1)
    within = torch.arange(len(number), device=one.device) - (times.cumsum(0) - times).repeat_interleave(times)
    return number, first, other[1][starts[number] + within]


def _alike(blobs: Blobs, others: Blobs) -> Tensor:
    """Tell which blobs are alike in size and colour, (B, C)."""
    sizes = (blobs.sizes.log()[:, None] - others.sizes.log()).abs() < ALIKE_SIZE
    return sizes & (torch.cdist(blobs.colours, others.colours) < ALIKE_COLOUR)
