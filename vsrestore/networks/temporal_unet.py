"""TemporalUNet: our own sliding-window network, which blends what aligned neighbouring frames agree on.

Neighbours are aligned to the centre frame by a coarse-to-fine flow over learned features and warped at full
resolution. A small U-Net at half resolution then says, per pixel, how much of each aligned neighbour (and of the
median of all) replaces the centre, and what to add beyond that. Every head does so once: a film network has two, the
picture with its grain and the picture without.

The pieces are well known: warping and cost volume over a feature pyramid (Sun et al., PWC-Net, CVPR 2018), the U-Net
(Ronneberger et al., MICCAI 2015), per-pixel blending of aligned frames (Mildenhall et al., CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.warp import flow_warp

CHANNELS = 3
PHASES = 4  # positions within a 2x2 block of pixels: the U-Net works on blocks
LEVELS = 4  # of the flow pyramid, at 1/4, 1/8, 1/16 and 1/32 of the size
MULTIPLE = 32  # frames are padded to it, so that every level halves exactly
COARSE = 2  # from this level on (1/16) a cost volume helps to find large motion; finer levels only correct
SEARCH = 2  # the cost volume compares so many cells in each direction
DISTRUST = -2.0  # logit of every head's trust in the fill-in before training
LOUDER = 10.0  # differences between aligned frames are small numbers; so much larger they reach the U-Net
SOFTER = 0.1  # and what the U-Net adds to the picture is made small again


class Restored(NamedTuple):
    """What a forward pass in training gives: every head's frames, and the flows by which neighbours were aligned."""

    heads: tuple[Tensor, ...]  # each (N, K, C, H, W)
    flows: list[Tensor]  # coarse to fine, each (N * K * neighbours, 2, h, w), pixels of its own level


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut, without normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Refine features, (N, C, H, W) to the same shape."""
        return x + self.conv2(F.relu(self.conv1(x)))


class Pyramid(nn.Module):
    """Features of one frame for alignment, at 1/4, 1/8, 1/16 and 1/32 of its size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS * 16, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(width, width, 3, stride=2, padding=1) for _ in range(LEVELS - 1))

    def forward(self, frame: Tensor) -> list[Tensor]:
        """Turn frames (N, 3, H, W) into features (N, width, h, w), fine to coarse."""
        x = channels_last(F.pixel_unshuffle(frame, 4))
        levels = [self.second(F.leaky_relu(self.first(x), 0.1))]
        for conv in self.down:
            levels.append(conv(F.leaky_relu(levels[-1], 0.1)))
        return levels


class FlowStep(nn.Module):
    """One level of the coarse-to-fine flow: compare, then correct the flow that the coarser level gave."""

    def __init__(self, width: int, search: int) -> None:
        super().__init__()
        self.search = search
        compared = (2 * search + 1) ** 2 if search else width
        self.first = nn.Conv2d(compared + width + 2, 32, 3, padding=1)
        self.second = nn.Conv2d(32, 24, 3, padding=1)
        self.last = nn.Conv2d(24, 2, 3, padding=1)

    def forward(self, centre: Tensor, neighbour: Tensor, flow: Tensor) -> Tensor:
        """Correct ``flow`` (N, 2, h, w; float32; pixels) from centre to neighbour, features (N, width, h, w)."""
        warped = flow_warp(neighbour, flow, padding="border")
        compared = cost_volume(centre, warped, self.search) if self.search else centre - warped
        x = torch.cat((compared, centre, flow.to(centre.dtype)), dim=1)
        x = F.leaky_relu(self.second(F.leaky_relu(self.first(channels_last(x)), 0.1)), 0.1)
        return flow + self.last(x).float()


class Alignment(nn.Module):
    """Flow from centre frames to their neighbours."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pyramid = Pyramid(width)
        self.steps = nn.ModuleList(FlowStep(width, SEARCH if level >= COARSE else 0) for level in range(LEVELS))

    def forward(self, frames: Tensor, centres: Tensor, neighbours: Tensor) -> list[Tensor]:
        """Flows between pairs of the frames (F, 3, H, W) named by two index tensors (P,).

        Returns:
            Flows (P, 2, h, w), float32, coarse (1/32) to fine (1/4), each in pixels of its own level.
        """
        flows: list[Tensor] = []
        for level, features in reversed(list(enumerate(self.pyramid(frames)))):
            centre, neighbour = features[centres], features[neighbours]
            flow = enlarge(flows[-1], 2) if flows else torch.zeros_like(centre[:, :2], dtype=torch.float32)
            flows.append(self.steps[level](centre, neighbour, flow))
        return flows


class UNet(nn.Module):
    """Encoder and decoder over three sizes (1/2, 1/4 and 1/8 of the frame) with plain residual blocks."""

    def __init__(self, widths: Sequence[int], blocks: Sequence[int]) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.encode1 = residuals(fine, blocks[0])
        self.down1 = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.encode2 = residuals(middle, blocks[1])
        self.down2 = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.bottom = residuals(coarse, blocks[2])
        self.up2 = nn.Conv2d(coarse, middle, 1)
        self.decode2 = residuals(middle, blocks[3])
        self.up1 = nn.Conv2d(middle, fine, 1)
        self.decode1 = residuals(fine, blocks[4])

    def forward(self, x: Tensor) -> Tensor:
        """Refine features (N, widths[0], h, w) to the same shape; h and w are multiples of 4."""
        fine = self.encode1(x)
        middle = self.encode2(F.relu(self.down1(fine)))
        coarse = self.bottom(F.relu(self.down2(middle)))
        middle = self.decode2(middle + F.interpolate(self.up2(coarse), scale_factor=2.0))
        return self.decode1(fine + F.interpolate(self.up1(middle), scale_factor=2.0))


class TemporalUNet(nn.Module):
    """Restore the centre frame of a window with the help of its neighbours.

    The weights may be half precision or bf16 while the frames stay float32: flows, warps and the sum that makes the
    output keep the frames' precision, only what is added to the centre frame has that of the weights.

    Args:
        radius: neighbours on each side, 1 or 2.
        heads: restored versions of the frame, 1 or more; the film network has two, with and without grain.
        widths: channels of the U-Net at 1/2, 1/4 and 1/8 of the size.
        blocks: residual blocks of the U-Net on its way: three down, two up.
        flow_width: channels of the features that are aligned.
    """

    def __init__(
        self,
        radius: int = 2,
        heads: int = 2,
        widths: Sequence[int] = (32, 64, 96),
        blocks: Sequence[int] = (1, 2, 3, 1, 2),
        flow_width: int = 24,
    ) -> None:
        super().__init__()
        self.radius = radius
        self.head_count = heads
        self.candidates = 2 * radius + 1  # the neighbours, and the median of the window
        self.alignment = Alignment(flow_width)
        self.fuse = nn.Conv2d(CHANNELS * (1 + self.candidates), widths[0], 4, stride=2, padding=1)
        self.body = UNet(widths, blocks)
        self.weigh = nn.Conv2d(widths[0], (self.candidates + heads) * PHASES, 3, padding=1)
        self.add = nn.Conv2d(widths[0], heads * CHANNELS * PHASES, 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        """Keep the size of features through the layers (He et al., ICCV 2015) and begin as the identity, nearly."""
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                nn.init.zeros_(cast("Tensor", part.bias))
        for part in self.modules():
            if isinstance(part, Residual):
                nn.init.kaiming_normal_(part.conv2.weight, a=3.0, nonlinearity="leaky_relu")
            elif isinstance(part, FlowStep):
                nn.init.zeros_(part.last.weight)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.add.weight)
        nn.init.constant_(cast("Tensor", self.weigh.bias)[self.candidates * PHASES :], DISTRUST)

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
        heads = self.restore(frames, windows).heads
        if grain == 1.0:
            return heads[-1]
        return heads[0] if grain == 0.0 else torch.lerp(heads[0], heads[-1], grain)

    def restore(self, frames: Tensor, windows: Tensor) -> Restored:
        """Restore one frame per window and return every head and the flows; arguments as for ``forward``."""
        n, t, _, h, w = frames.shape
        padded = pad_to_multiple(frames.flatten(0, 1), MULTIPLE)
        rows = torch.arange(n, device=frames.device)[:, None, None] * t + windows.to(frames.device)
        rows = rows.flatten(0, 1)  # (N * K, W), positions in the flattened frames
        centre = padded[rows[:, self.radius]]
        candidates, flows = self._candidates(padded, rows)
        changes = self._changes(centre.to(candidates[0].dtype), candidates)
        heads = tuple((centre + change).unflatten(0, (n, -1))[..., :h, :w] for change in changes)
        return Restored(heads, flows)

    def _candidates(self, frames: Tensor, rows: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What could replace the centre, as differences to it, each (N * K, 3, H, W), and the flows.

        Differences are small where frames agree, so half precision serves them well.
        """
        count = 2 * self.radius
        centres = rows[:, self.radius]
        neighbours = torch.cat((rows[:, : self.radius], rows[:, self.radius + 1 :]), dim=1).flatten()
        dtype = self.fuse.weight.dtype
        flows = self.alignment(frames.to(dtype), centres.repeat_interleave(count), neighbours)
        warped = flow_warp(frames[neighbours], enlarge(flows[-1], 4), padding="border").unflatten(0, (-1, count))
        differences = [(aligned - frames[centres]).to(dtype) for aligned in warped.unbind(1)]
        return [*differences, median([*differences, torch.zeros_like(differences[0])])], flows

    def _changes(self, centre: Tensor, candidates: list[Tensor]) -> list[Tensor]:
        """What every head adds to the centre (N, 3, H, W): a trusted share of the fill-in, and more of its own."""
        seen = torch.cat((centre - 0.5, *(candidate * LOUDER for candidate in candidates)), dim=1)
        x = self.body(F.relu(self.fuse(channels_last(seen))))
        weights = F.pixel_shuffle(self.weigh(x), 2)
        added = F.pixel_shuffle(self.add(x), 2) * SOFTER
        shares = torch.softmax(weights[:, : self.candidates], dim=1)
        fill = shares[:, :1] * candidates[0]
        for index, candidate in enumerate(candidates[1:], start=1):
            fill = torch.addcmul(fill, shares[:, index : index + 1], candidate)
        trust = torch.sigmoid(weights[:, self.candidates :])
        more = added.chunk(self.head_count, dim=1)
        return [torch.addcmul(more[head], trust[:, head : head + 1], fill) for head in range(self.head_count)]


def residuals(width: int, count: int) -> nn.Sequential:
    """Several residual blocks, one after another."""
    return nn.Sequential(*(Residual(width) for _ in range(count)))


def channels_last(x: Tensor) -> Tensor:
    """Lay ``x`` (N, C, H, W) out with channels last, which convolutions on the CPU and tensor cores prefer."""
    return x.contiguous(memory_format=torch.channels_last)


def enlarge(flow: Tensor, factor: int) -> Tensor:
    """Enlarge a flow (N, 2, h, w) to ``factor`` times its size, in pixels of the new size."""
    return F.interpolate(flow, scale_factor=float(factor), mode="bilinear", align_corners=False) * factor


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of ``x`` (N, C, H, W) until both sizes are multiples."""
    h, w = x.shape[-2:]
    return F.pad(x, (0, -w % multiple, 0, -h % multiple), mode="replicate")


def cost_volume(centre: Tensor, other: Tensor, search: int) -> Tensor:
    """Likeness of every cell to the cells around its place in ``other``.

    Args:
        centre: features (N, C, h, w).
        other: features of the same shape.
        search: how many cells to look in each direction.

    Returns:
        Mean products over the channels, (N, (2 * search + 1) ** 2, h, w), row by row.
    """
    h, w = centre.shape[-2:]
    padded = F.pad(other, (search,) * 4)
    reach = range(2 * search + 1)
    return torch.stack([(centre * padded[..., y : y + h, x : x + w]).mean(1) for y in reach for x in reach], dim=1)


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


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor settings of the TemporalUNet whose tensors have these names and shapes; None if it is none."""
    needed = ("fuse.weight", "add.weight", "alignment.pyramid.first.weight", "body.down1.weight", "body.down2.weight")
    if any(name not in shapes for name in needed):
        return None
    candidates = shapes["fuse.weight"][1] // CHANNELS - 1
    stages = ("encode1", "encode2", "bottom", "decode2", "decode1")
    return {
        "radius": (candidates - 1) // 2,
        "heads": shapes["add.weight"][0] // (CHANNELS * PHASES),
        "widths": (shapes["fuse.weight"][0], shapes["body.down1.weight"][0], shapes["body.down2.weight"][0]),
        "blocks": tuple(sum(f"body.{s}.{i}.conv1.weight" in shapes for i in range(len(shapes))) for s in stages),
        "flow_width": shapes["alignment.pyramid.first.weight"][0],
    }
