"""TemporalUNet: our own sliding-window network, which blends what aligned neighbouring frames agree on.

Neighbours are aligned to the centre frame by block matching, which needs no training. A small U-Net at half resolution
then says, per pixel, how much of each aligned neighbour, and of the medians that a classical cleaner would take,
replaces the centre, and what to add beyond that. Every head does so once: a film network has two, the picture with its
grain and the picture without.

The pieces are well known: block matching, the mean along the motion (Dubois and Sabri, IEEE Trans. Communications
1984), the U-Net (Ronneberger et al., MICCAI 2015), per-pixel blending of aligned frames (Mildenhall et al., CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.block_matching import joined, phases
from vsrestore.networks.layers.box import box_mean, halve
from vsrestore.networks.layers.chroma_delay import DOWN, RIGHT, delay, undelayed
from vsrestore.networks.layers.layout import channels_first
from vsrestore.networks.layers.unet import UNet, initialise, unet_settings
from vsrestore.networks.layers.window_frames import CHANNELS, LOUDER, SOFTER, WindowFrames
from vsrestore.networks.temporal_traits import TEMPORAL
from vsrestore.networks.traits import Traits

PHASES = 4  # positions within a 2x2 block of pixels: the U-Net works on blocks
WIDTH = 16  # channels that a processor takes at once
FLICKER = 0.08  # differences beyond it are content or damage
FLICKER_CELL, FLICKER_CELLS = 8, 7  # flicker is the mean of 7x7 cells of 8x8 blocks of pixels
EVIDENCE = 4  # maps that tell what is in one frame only, what does not move, and how strong the grain is
QUIET = 0.3  # share of the frame that is taken to differ by nothing but grain
LINE, LINE_ACROSS = 0.15, 17  # a vertical line differs by this much at most from the 17 pixels around it
LINE_CELL, LINE_CELLS = 8, 9  # and goes through 9 cells of 8 rows
LINE_ALONE, LINE_AROUND = 4.0, 129  # and is so many times stronger than the mean of the 129 pixels around it
FIT = 2.0  # an aligned neighbour that differs by more than so many times the grain has no part in the mean
FINEST_GRAIN = 2e-3
MARK = "delayed"  # the tensor by whose name weights for delayed colours are known: how far delays are looked for
TRUST = 3.0  # logit of the classical candidates before training; the others begin at 0


class TemporalUNet(nn.Module):
    """Restore the centre frame of a window with the help of its neighbours.

    The weights may be half precision or bf16 while the frames stay float32: flows, warps and the sum that makes the
    output keep the frames' precision, only what is added to the centre frame has that of the weights.

    Args:
        radius: neighbours on each side, 1 or 2.
        heads: restored versions of the frame, 1 or more; the film network has two, with and without grain.
        widths: channels of the U-Net at 1/2, 1/4 and 1/8 of the size.
        blocks: residual blocks of the U-Net on its way: three down, two up.
        delayed: whether colours may lie beside their luma, as on tape: the last candidate has them brought back, and
            stands in place of the one without vertical lines.
    """

    def __init__(
        self,
        radius: int = 2,
        heads: int = 2,
        widths: Sequence[int] = (48, 64, 96),
        blocks: Sequence[int] = (1, 1, 2, 1, 2),
        delayed: bool = False,
    ) -> None:
        super().__init__()
        self.radius = radius
        self.head_count = heads
        self.brings_back = delayed
        if delayed:
            self.register_buffer(MARK, torch.tensor((RIGHT, DOWN)))
        self.candidates = 2 * radius + 4  # neighbours, their median, the careful one, the mean, and that repaired
        self.fuse = nn.Conv2d(CHANNELS * (1 + self.candidates) + EVIDENCE, widths[0], 4, stride=2, padding=1)
        self.body = UNet(widths, blocks)
        self.weigh = nn.Conv2d(widths[0], heads * (self.candidates + 1) * PHASES, 3, padding=1)
        self.add = nn.Conv2d(widths[0], heads * CHANNELS * PHASES, 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        """Begin as a classical cleaner."""
        initialise(self)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.add.weight)
        trusted = cast("Tensor", self.weigh.bias).view(self.head_count, -1, PHASES)
        nn.init.constant_(trusted[:-1, self.candidates - 3], TRUST)  # the careful one leaves some grain
        nn.init.constant_(trusted[-1:, self.candidates - 2], TRUST)  # the mean does not

    def forward(self, frames: Tensor, windows: Tensor, grain: float = 1.0) -> Tensor:
        """Restore one frame per window.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            windows: (K, 2 * radius + 1), int64: the positions in T that form each window, centre in the middle.
            grain: how much of the difference between first and last head to take, 0 to 1: 0 leaves the grain,
                1 removes it. Exactly linear.

        Returns:
            (N, K, 3, H, W), not clamped.
        """
        if grain in (0.0, 1.0):
            return self.restore(frames, windows, [0 if grain == 0.0 else self.head_count - 1])[0]
        first, last = self.restore(frames, windows, [0, self.head_count - 1])
        return torch.lerp(first, last, grain)

    def restore(self, frames: Tensor, windows: Tensor, heads: Sequence[int] | None = None) -> tuple[Tensor, ...]:
        """Restore one frame per window and return what every head, or those of ``heads``, gives.

        Other arguments as for ``forward``.
        """
        shot = WindowFrames(frames, windows)
        heads = range(self.head_count) if heads is None else heads
        parts = [self._restored(shot, group, heads) for group in shot.groups(together=self.training)]
        return tuple(shot.together(list(head)) for head in zip(*parts, strict=True))

    def _restored(self, shot: WindowFrames, group: slice, heads: Sequence[int]) -> list[Tensor]:
        """What ``heads`` make of the centres of the windows of ``group`` (R of them), each (R, 3, H, W)."""
        centre = shot.phases(shot.rows[group, self.radius])
        changes = self._changes(centre, *self._candidates(centre, shot, group), heads)
        return [joined(centre + change) for change in changes]

    @torch.no_grad()
    def _candidates(self, centre: Tensor, shot: WindowFrames, group: slice) -> tuple[list[Tensor], Tensor]:
        """What could replace the centre, as differences to it, each (R, 3, 4, H / 2, W / 2), and the evidence for it.

        The candidates are the neighbours, moved to where their content is now; the median of all; the careful one: of
        the centre, its median with the two nearest neighbours along the motion and its median with them as they are,
        the middle one; the mean of that and of the neighbours where they fit; and the mean without vertical lines, or
        with its colours brought back. That is what a classical cleaner gives, and what the network starts from.

        Differences are small where frames agree, so half precision serves them well.
        """
        aligned, plain = self._differences(centre, shot, group)
        same = torch.zeros_like(aligned[0])
        nearest = aligned[self.radius - 1 : self.radius + 1]
        careful = median((median((*nearest, same)), same, median((*plain, same))))
        grain = grain_level(nearest)
        mean = fitting_mean(careful, aligned, grain)
        repaired = mean + self._repair(centre + mean, shot, group).to(mean.dtype)
        clues = (*evidence(aligned), stillness(plain), grain.expand(-1, 1, *mean.shape[2:]))
        return [*aligned, median((*aligned, same)), careful, mean, repaired], torch.cat(clues, dim=1)

    def _repair(self, picture: Tensor, shot: WindowFrames, group: slice) -> Tensor:
        """What takes vertical lines off a picture, or brings its colours back: phases (R, 3, 4, H / 2, W / 2)."""
        if not self.brings_back:
            return -vertical_lines(picture)
        whole = joined(picture)
        return phases(undelayed(whole, delay(shot.delay_fits[shot.rows[group]].mean(1))) - whole)

    def _differences(self, centre: Tensor, shot: WindowFrames, group: slice) -> tuple[list[Tensor], list[Tensor]]:
        """Differences of neighbours to the centre, without flicker: of all, aligned; of the nearest, as they are."""
        dtype = self.fuse.weight.dtype
        aligned, plain = [], []
        for column, neighbour in shot.aligned(group):
            difference = neighbour.sub_(centre)
            slow = flicker(difference)
            aligned.append(difference.sub_(slow).to(dtype))
            if abs(column - self.radius) == 1:
                plain.append((shot.phases(shot.rows[group, column]) - centre).sub_(slow).to(dtype))
        return aligned, plain

    def _changes(self, centre: Tensor, candidates: list[Tensor], clues: Tensor, heads: Sequence[int]) -> list[Tensor]:
        """What ``heads`` add to the centre (R, 3, 4, H / 2, W / 2): a blend of the candidates, and more of its own."""
        x = self.body(lrelu(self._fused(beside(centre, *candidates, clues))))
        # All that is asked for in one convolution; its channels are apart in memory then, as those of the candidates.
        wanted = [(layer, head) for head in heads for layer in (self.weigh, self.add)]
        weight = torch.cat([layer.weight.chunk(self.head_count)[head] for layer, head in wanted])
        bias = torch.cat([cast("Tensor", layer.bias).chunk(self.head_count)[head] for layer, head in wanted])
        outputs = channels_first(F.conv2d(x, weight, bias, padding=1)).unflatten(1, (len(heads), -1, PHASES)).unbind(1)
        parts = [each.split((self.candidates + 1, CHANNELS), dim=1) for each in outputs]
        return [more * SOFTER + fill_in(candidates, weights) for weights, more in parts]

    def _fused(self, clues: Tensor) -> Tensor:
        """The first convolution; channels of ``clues`` beyond those that it has weights for are left out."""
        more = clues.shape[1] - self.fuse.in_channels
        weight = F.pad(self.fuse.weight, (0, 0, 0, 0, 0, more)).contiguous(memory_format=torch.channels_last)
        return F.conv2d(clues, weight, self.fuse.bias, stride=2, padding=1)


@torch.no_grad()
def beside(centre: Tensor, *differences: Tensor) -> Tensor:
    """The centre about zero and the differences made louder, as channels of frames (N, C, H, W), channels last.

    All are phases; C is a multiple of 16, filled up with zeros. Channels become the last by a product with a diagonal
    matrix, which is many times faster than to copy them.
    """
    dtype = differences[0].dtype
    apart = torch.cat(((centre - 0.5).to(dtype), *differences), dim=1)
    n, channels, _, h, w = apart.shape
    louder = torch.full((channels,), LOUDER, dtype=dtype, device=apart.device)
    louder[:CHANNELS] = 1
    matrix = F.pad(louder.diag(), (0, -channels % WIDTH))
    whole = apart.new_empty((n, h, 2, w, 2, matrix.shape[1]))
    for phase, plane in enumerate(apart.flatten(3).unbind(2)):
        whole[:, :, phase // 2, :, phase % 2] = (plane.mT @ matrix).unflatten(1, (h, w))
    return whole.view(n, 2 * h, 2 * w, -1).permute(0, 3, 1, 2)


def evidence(aligned: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """How far the aligned neighbours disagree, and how far the centre is from all of them.

    What is in the centre alone shows as little of the former and much of the latter (Kokaram, 1998: spike detection).

    Returns:
        Two maps (N, 1, ...), of the channel where they are largest.
    """
    highest, lowest = reduce(torch.maximum, aligned), reduce(torch.minimum, aligned)
    apart = lowest.clamp(min=0) - highest.clamp(max=0)
    return (highest - lowest).amax(1, keepdim=True), apart.amax(1, keepdim=True)


def stillness(plain: Sequence[Tensor]) -> Tensor:
    """How much the place changes in time, (N, 1, ...): little where a hair sits in the gate and the picture moves."""
    first, second = (difference.abs().amax(1, keepdim=True) for difference in plain)
    return torch.maximum(first, second)


def grain_level(nearest: Sequence[Tensor]) -> Tensor:
    """How much the quietest cells of the frame differ from its two aligned neighbours.

    There is no telling grain from fine texture by looking at one place; but grain is all over the frame.

    Returns:
        (N, 1, 1, 1, 1), from differences (N, 3, 4, H / 2, W / 2) with H and W multiples of 16.
    """
    blocks = (difference.abs().mean((1, 2), dtype=torch.float32) for difference in nearest)
    first, second = (F.avg_pool2d(each[:, None], FLICKER_CELL).flatten(1) for each in blocks)
    level = torch.minimum(first, second).quantile(QUIET, dim=1).to(nearest[0].dtype)
    return level[:, None, None, None, None]


def vertical_lines(frames: Tensor) -> Tensor:
    """Vertical lines in frames, H a multiple of 8: what stands out of its row the same way for many rows.

    Edges do so as well; the network tells which are scratches. (Kokaram, EUSIPCO 1996, finds them likewise.) But lines
    among lines, as of fences, books and grids, are left out: a scratch stands alone.

    Args:
        frames: phases, (N, 3, 4, H / 2, W / 2).

    Returns:
        Likewise.
    """
    n, channels, _, h, w = frames.shape
    rows = frames.unflatten(2, (2, 2)).movedim(3, -1).reshape(n, 2 * channels, h, 2 * w)  # even and odd rows apart
    outstanding = (rows - box_mean(rows, (1, LINE_ACROSS))).clamp_(-LINE, LINE)
    cells = outstanding.view(n, channels, 2, -1, LINE_CELL // 2, 2 * w).mean((2, 4))
    lines = box_mean(box_mean(cells, (LINE_CELLS, 1)), (3, 1))
    strength = lines.abs().amax(1, keepdim=True)
    others = LINE_ALONE * box_mean(strength, (1, LINE_AROUND))
    alone = stretch(lines * ((strength - others) / (strength + 1e-4)).clamp(0, 1), (h, 2 * w))
    return alone.view(n, channels, 1, h, w, 2).movedim(-1, 3).expand(-1, -1, 2, -1, -1, -1).flatten(2, 3)


def flicker(difference: Tensor) -> Tensor:
    """Slow changes of brightness in a difference of two frames: they are no damage here.

    Args:
        difference: phases, (N, 3, 4, H / 2, W / 2).

    Returns:
        (N, 3, 1, H / 2, W / 2).
    """
    cells = F.avg_pool2d(difference.clamp(-FLICKER, FLICKER).mean(2), FLICKER_CELL)
    return stretch(box_mean(cells, (FLICKER_CELLS, FLICKER_CELLS)), difference.shape[-2:])[:, :, None]


def stretch(x: Tensor, size: Sequence[int]) -> Tensor:
    """Enlarge smooth maps ``x`` (N, C, h, w) to ``size`` (H, W): linear to half of it, then in steps."""
    height, width = size
    between = (max(height // 2, x.shape[-2]), max(width // 2, x.shape[-1]))
    return F.interpolate(F.interpolate(x, size=between, mode="bilinear"), size=(height, width))


def fill_in(candidates: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Blend the M candidates (N, 3, ...) and the centre as it is by M + 1 logits (N, M + 1, ...)."""
    shares = torch.softmax(weights, dim=1)
    fill = shares[:, :1] * candidates[0]
    for index, candidate in enumerate(candidates[1:], start=1):
        fill = torch.addcmul(fill, shares[:, index : index + 1], candidate)
    return fill


def fitting_mean(base: Tensor, aligned: Sequence[Tensor], grain: Tensor) -> Tensor:
    """Mean of the base and of the aligned neighbours, each with the weight that its fit around the place earns it.

    Args:
        base: a difference to the centre, phases (N, 3, 4, H / 2, W / 2) with H and W multiples of 4.
        aligned: those of the neighbours.
        grain: what aligned neighbours differ by where nothing but grain differs, (N, 1, 1, 1, 1).
    """
    limit = FIT * (grain + FINEST_GRAIN)
    square = limit[..., 0].float().square()
    total, weights = base, torch.ones_like(grain)
    for difference in aligned:
        apart = difference - base
        blocks = apart.abs().mean((1, 2), dtype=torch.float32)
        misfit = box_mean(halve(blocks[:, None]), (3, 3)).square_()
        weight = enlarged((square - misfit).clamp_(min=0) / (square + misfit)).to(base.dtype)
        total = torch.addcmul(total, weight, torch.minimum(torch.maximum(apart, -limit), limit))
        weights = weights + weight
    return base + (total - base) / weights


def enlarged(cells: Tensor) -> Tensor:
    """Enlarge maps (N, 1, h, w) of cells of 4x4 pixels, linear between cells: phases, (N, 1, 4, 2 * h, 2 * w)."""
    return phases(F.interpolate(cells, scale_factor=4.0, mode="bilinear"))


def median(values: Sequence[Tensor]) -> Tensor:
    """Median of three or five tensors of one shape, element by element.

    Written with minima and maxima, which is many times faster than ``torch.median``: of four values, the largest and
    the smallest cannot be the median of five, so three are left.
    """
    if len(values) == 5:
        a, b, c, d, e = values
        low = torch.maximum(torch.minimum(a, b), torch.minimum(c, d))
        high = torch.minimum(torch.maximum(a, b), torch.maximum(c, d))
        return median([low, high, e])
    a, b, c = values
    return torch.maximum(torch.minimum(a, b), torch.minimum(torch.maximum(a, b), c))


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    return replace(TEMPORAL, frames=2 * settings["radius"] + 1)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor settings of the TemporalUNet whose tensors have these names and shapes; None if it is none."""
    needed = ("fuse", "weigh", "add", "body.down1", "body.down2")
    if any(f"{layer}.weight" not in shapes for layer in needed):
        return None
    candidates = (shapes["fuse.weight"][1] - EVIDENCE) // CHANNELS - 1
    return {
        "radius": (candidates - 4) // 2,
        "heads": shapes["add.weight"][0] // (CHANNELS * PHASES),
        "delayed": MARK in shapes,
        **unet_settings(shapes, "body"),
    }
