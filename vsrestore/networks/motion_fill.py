"""MotionFill: holes filled along the motion from frames before and after, then from what surrounds them.

Nothing is learnt. Motion from frame to frame is found by block matching where the picture is known, and goes smoothly
through the holes. Every pixel of a hole is followed along it to the first frame that knows it, into the past and into
the future. The two, and a smooth fill from around, count the more the better they fit in a ring around the hole.

The pieces are well known: flow-guided filling (Xu et al., "Deep Flow-Guided Video Inpainting", CVPR 2019), here with
block matching and a smooth completion in the place of networks; the push-pull pyramid (Gortler et al., SIGGRAPH 1996).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.block_matching import BLOCK, CELL, MULTIPLE, BlockSearch
from vsrestore.networks.layers.constant import constant
from vsrestore.networks.layers.layout import pad_to_multiple
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.push_pull import push_pull
from vsrestore.networks.traits import Traits

RING = 3  # px around a hole that are filled too, to see how far off the fill is, and then left as they were
# Error of a fill, of the range 0 to 1: what is seen in the ring (inside a hole, that of the smooth fill is greater by a
# factor), and what is added for every frame that lies between.
DEEPER, DRIFT, LEAST = 2.0, 0.01, 0.01
MEDIAN = 5  # cells over which flow is made smooth before it goes through holes


class MotionFill(nn.Module):
    """Fill the holes of a sequence of frames."""

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Fill frames where the mask is not 0; all else comes back as it was.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            mask: (N, T, 1, H, W).

        Returns:
            (N, T, 3, H, W).
        """
        pairs = zip(frames, mask > 0, strict=True)
        return torch.stack([_filled(shot, holes) if holes.any() else shot for shot, holes in pairs])


def _filled(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill frames (T, 3, H, W) where ``holes`` (T, 1, H, W), bool, are."""
    wide = F.max_pool2d(holes.float(), 2 * RING + 1, 1, RING) > 0
    rough = push_pull(frames, (~wide).float())
    search = BlockSearch(luma(pad_to_multiple(rough, MULTIPLE)))
    blended, total = torch.zeros_like(frames), torch.zeros_like(frames[:, :1])
    for step in (-1, 1, 0):
        colours, age = _followed(rough, wide, search, step) if step else (rough, torch.zeros_like(total))
        ring = (wide & ~holes & age.isfinite()).float()
        difference = frames - colours
        error = push_pull(difference.abs().mean(1, keepdim=True), ring) * (1 if step else DEEPER)
        weight = (error + DRIFT * age + LEAST).square().reciprocal()
        blended += (colours + push_pull(difference, ring)) * weight
        total += weight
    return torch.where(holes, (blended / total).clamp(0, 1), frames)


def _followed(frames: Tensor, holes: Tensor, search: BlockSearch, step: int) -> tuple[Tensor, Tensor]:
    """Follow every pixel of a hole along the motion to the first frame that knows it.

    Args:
        frames: (T, 3, H, W), holes filled roughly.
        holes: (T, 1, H, W), bool.
        search: for the motion between the frames.
        step: 1 for the frames after each, -1 for those before.

    Returns:
        What was found, (T, 3, H, W), and how many frames away, (T, 1, H, W), infinite where no frame knows.

    """
    count, _, height, width = frames.shape
    colours = torch.zeros_like(frames)
    age = torch.full_like(frames[:, :1], torch.inf)
    order = range(count) if step < 0 else range(count - 1, -1, -1)
    trail = _Trail(height, width, frames.device)
    for number in order:
        down, across = holes[number, 0].nonzero(as_tuple=True)
        if number != order[0] and len(down):
            flow = _through_holes(search, holes, number, step)[:, down, across]
            trail.follow(down, across, flow)
        elif len(down):
            trail.lose(down, across)
        trail.know(number, holes[number, 0])
        for source in trail.source[down, across].unique().tolist():
            if source >= 0:
                here = trail.source[down, across] == source
                rows, columns = down[here], across[here]
                colours[number, :, rows, columns] = _sampled(frames[source], trail.place[:, rows, columns])
                age[number, 0, rows, columns] = float(abs(number - source))
    return colours, age


class _Trail:
    """Where every pixel of the frame at hand comes from: the frame that knows it, -1 for none, and the place in it."""

    def __init__(self, height: int, width: int, device: torch.device) -> None:
        self.source = torch.full((height, width), -1, device=device)
        grid = torch.meshgrid(*(torch.arange(side, device=device).float() for side in (height, width)), indexing="ij")
        self.own = torch.stack(grid)
        self.place = self.own.clone()

    def follow(self, down: Tensor, across: Tensor, flow: Tensor) -> None:
        """Let pixels (K,) come from where those come from that the flow (2, K), x and y, leads to."""
        height, width = self.source.shape
        target = torch.stack((down + flow[1], across + flow[0]))
        nearest = target.round()
        rows, columns = nearest[0].long(), nearest[1].long()
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
        source, place = self.source[rows, columns], self.place[:, rows, columns] + target - nearest
        self.source[down, across] = torch.where(inside, source, -1)
        self.place[:, down, across] = place

    def lose(self, down: Tensor, across: Tensor) -> None:
        """Let pixels come from nowhere."""
        self.source[down, across] = -1

    def know(self, number: int, holes: Tensor) -> None:
        """Let what is no hole (H, W) come from its own place in frame ``number``."""
        self.source = torch.where(holes, self.source, number)
        self.place = torch.where(holes, self.place, self.own)


def _through_holes(search: BlockSearch, holes: Tensor, number: int, step: int) -> Tensor:
    """Return the flow from a frame to the one after or before it, smooth through its holes: (2, H, W), in pixels."""
    centre = torch.full((1,), number, device=holes.device)
    flow = search.flow(centre, centre + step).float()
    hole = pad_to_multiple(holes[number : number + 1].float(), MULTIPLE)
    beside = (BLOCK - CELL) // 2
    touched = F.max_pool2d(hole, BLOCK, CELL, beside)
    around = F.pad(flow, (MEDIAN // 2,) * 4, mode="replicate").unfold(-2, MEDIAN, 1).unfold(-2, MEDIAN, 1)
    steady = around.flatten(-2).median(-1).values
    whole = F.interpolate(push_pull(steady, 1 - touched), scale_factor=CELL, mode="bilinear")
    return whole[0, :, : holes.shape[-2], : holes.shape[-1]]


def _sampled(frame: Tensor, place: Tensor) -> Tensor:
    """Sample a frame (3, H, W) at places (2, K), rows and columns, between pixels linearly: (3, K)."""
    size = constant(frame.shape[-2:], place)[:, None]
    grid = (2 * place + 1) / size - 1
    samples = F.grid_sample(
        frame[None], grid.flip(0).T[None, None], mode="bilinear", padding_mode="border", align_corners=False
    )
    return samples[0, :, 0]


def describe() -> Traits:
    """Return what it asks of its pictures."""
    return Traits(tiles=False, channels_last=False, float32_frames=True)
