"""MirrorFill: the picture mirrored at its edges, the softer the further away from them. Nothing is learnt.

A blur that grows with the distance keeps the join sharp, and lets the eye not find the same thing twice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.box import box_mean
from vsrestore.networks.traits import Traits

BLURS = 5  # pictures from sharp to softest, each blurred on from the one before
SHARPEST = 3  # px: the first box; each is about twice the one before
BEGIN = 4.0  # px from the edge where the first blur is reached in full; each next one at twice the distance
PASSES = 2  # of a box: their sum is smooth


class MirrorFill(nn.Module):
    """Fill what lies outside the box of all that is known."""

    def forward(self, pictures: Tensor, mask: Tensor) -> Tensor:
        """Fill pictures where the mask is not 0; all else comes back as it was.

        Args:
            pictures: (N, C, H, W).
            mask: (N, 1, H, W); what is 0 must be a box, of any size and place, else the box around it is mirrored,
                holes and all. Pictures without one come back as they were.

        Returns:
            (N, C, H, W).
        """
        holes = mask > 0
        filled = [_mirrored(picture, ~hole[0]) for picture, hole in zip(pictures, holes, strict=True)]
        return torch.where(holes, torch.stack(filled), pictures)


def _mirrored(picture: Tensor, known: Tensor) -> Tensor:
    """Mirror a picture (C, H, W) at the edges of the box of what is known, (H, W) bool."""
    if not known.any():
        return picture
    rows, down = _triangle(known.any(1))
    columns, across = _triangle(known.any(0))
    distance = torch.hypot(down[:, None], across[None, :])
    sharp = picture[:, rows[:, None], columns][None]
    return _softened(sharp, distance)[0]


def _triangle(known: Tensor) -> tuple[Tensor, Tensor]:
    """Return where every position of a side is fetched from, int64, and how far it is from what is known: (L,)."""
    marked = known.nonzero()
    first, last = int(marked[0]), int(marked[-1])
    length, positions = last - first + 1, torch.arange(len(known), device=known.device)
    phase = (positions - first) % (2 * length)
    distance = torch.maximum(first - positions, positions - last).clamp(min=0)
    return first + torch.minimum(phase, 2 * length - 1 - phase), distance.float()


def _softened(picture: Tensor, distance: Tensor) -> Tensor:
    """Blur a picture (1, C, H, W) by how far a pixel is from what is known, (H, W)."""
    level = torch.where(distance < BEGIN, distance / BEGIN, 1 + torch.log2(distance / BEGIN))
    result = picture
    for index in range(BLURS):
        size = SHARPEST * 2**index // 2 * 2 + 1
        for _ in range(PASSES):
            picture = box_mean(picture, (size, size))
        result = torch.lerp(result, picture, (level - index).clamp(0, 1))
    return result


def describe() -> Traits:
    """Return what it asks of its pictures."""
    return Traits(tiles=False, channels_last=False, float32_frames=True)
