"""ProPainter's image propagation: pixels of other frames carried along the flow into holes. There is nothing to learn.

Source:
    Zhou, Li, Chan, Loy, "ProPainter: Improving Propagation and Transformer for Video Inpainting", ICCV 2023, arXiv
    2309.03897, section 3.2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.consistency import consistent
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.traits import Traits

CONTEXT = 10
"""Frames before and after a chunk that it sees, as published."""
TRAITS = Traits(tiles=False, precisions=("float32",), float32_frames=True, channels_last=False)
HOLE = 0.1
"""A share of hole above which a pixel is one."""


class ImagePropagation(nn.Module):
    """Fill holes of a sequence, backward in time first, then forward with what that has left."""

    def forward(self, frames: Tensor, mask: Tensor, flow: Tensor, keep: range | None = None) -> Tensor:
        """Return the frames of a sequence with what other frames know of their holes.

        Args:
            frames: (1, T, 3, H, W) in [0, 1], float32.
            mask: (1, T, 1, H, W), 1 in holes and else 0.
            flow: completed ones, as `FlowCompletion` gives them, (1, T, 4, H, W), float32, pixels.
            keep: consecutive frames that are wanted (default: all).

        Returns:
            (1, T or len(keep), 4, H, W), float32: the frame in [-1, 1], 0 where its hole is left, and 1 where that is.

        """
        count = frames.shape[1]
        pictures = [frames[:, t] * 2 - 1 for t in range(count)]
        masks = [mask[:, t] for t in range(count)]
        known = [picture * (1 - holes) for picture, holes in zip(pictures, masks, strict=True)]
        left = list(masks)
        onward, back = flow[:, :, :2], flow[:, :, 2:]
        for t in reversed(range(count - 1)):
            known[t], left[t] = _filled((known[t], left[t]), (known[t + 1], left[t + 1]), onward[:, t], back[:, t])
        for t in range(1, count):
            before = known[t - 1], left[t - 1]
            known[t], left[t] = _filled((known[t], left[t]), before, back[:, t - 1], onward[:, t - 1])
        wanted = range(count) if keep is None else keep
        filled = [pictures[t] * (1 - masks[t]) + known[t] * masks[t] for t in wanted]
        return torch.stack([torch.cat((filled[i], left[t]), 1) for i, t in enumerate(wanted)], 1)


def _filled(
    present: tuple[Tensor, Tensor], source: tuple[Tensor, Tensor], flow: Tensor, back: Tensor
) -> tuple[Tensor, Tensor]:
    """Return a picture (1, 3, H, W) and its hole (1, 1, H, W) with what a neighbour knows, the flow leading there."""
    picture, hole = present
    if not hole.any():
        return present
    trusted = consistent(flow, back)
    known = 1 - _is_hole(flow_warp(source[1], flow))
    filling = _is_hole(hole * trusted * known)
    filled = filling * flow_warp(source[0], flow, mode="nearest") + (1 - filling) * picture
    return filled, _is_hole(hole * (1 - trusted * known))


def _is_hole(share: Tensor) -> Tensor:
    return (share > HOLE).to(share.dtype)
