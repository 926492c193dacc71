"""BlemishFinder: finds what lies on single frames of a film and is larger than specks, stains and cue marks.

Frames are seen at a quarter of their size, neighbours up to three frames away among them, moved to where their content
is now and without what flickers. A small U-Net says, for every cell of 4x4 pixels, whose brightness and colour to take:
that of the frame itself or of some of its neighbours, and whether a stain there shades the picture or veils it. So what
a stain lets through keeps its detail. And it says where a cue mark hides the picture, for another to fill.

The pieces are well known: block matching, blending of aligned frames by a network (Mildenhall et al., CVPR 2018), the
U-Net.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.block_matching import MULTIPLE, BlockSearch, moved
from vsrestore.networks.layers.box import box_mean, halve
from vsrestore.networks.layers.layout import channels_last, pad_to_multiple
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.unet import UNet, initialise, unet_settings
from vsrestore.networks.temporal_traits import PLANES
from vsrestore.networks.traits import Traits

CELL = 4
OFFSETS = (-3, -1, 1, 3)  # frames that are looked at
RADIUS = max(OFFSETS)
CHANNELS = 3
LOUDER = 10.0
DARKEST = 0.02  # of what ratios are taken
EVERY = 4  # cells: the median of a frame is taken over a grid of them
AROUND = 9  # cells: what the mean of so many does not show is what motion is found by, whatever flickers
LEAST = 0.05  # share of neighbours under which a cell stays as it is
STAYS, UNLIKELY = 5.0, -4.0  # logits before training


class BlemishFinder(nn.Module):
    """Take stains off the centre frame of each window, and tell where cue marks are.

    Args:
        widths: channels of the U-Net at 1/4, 1/8 and 1/16 of the size.
        blocks: residual blocks of the U-Net on its way: three down, two up.
    """

    radius = RADIUS

    def __init__(self, widths: Sequence[int] = (16, 24, 32), blocks: Sequence[int] = (1, 1, 1, 1, 1)) -> None:
        super().__init__()
        self.fuse = nn.Conv2d(CHANNELS + len(OFFSETS) * (CHANNELS + 1), widths[0], 3, padding=1)
        self.body = UNet(widths, blocks)
        self.say = nn.Conv2d(widths[0], len(OFFSETS) + 3, 3, padding=1)  # a share of each, its own, shade, cue mark
        initialise(self)
        nn.init.zeros_(self.say.weight)
        bias = cast("Tensor", self.say.bias)
        with torch.no_grad():
            bias[-3], bias[-1] = STAYS, UNLIKELY

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        """Tell what is to be done with one frame per window.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            windows: (K, 7), int64: the positions in T that form each window, centre in the middle.

        Returns:
            (N, K, 4, H, W): what to add to the colours, which takes stains off, and how far a cue mark is there, 0 to
            1; in use 0 where there is hardly anything.
        """
        n, _, _, height, width = frames.shape
        small = halve(halve(pad_to_multiple(frames.flatten(0, 1), CELL * MULTIPLE)))
        centres = windows[:, RADIUS]
        wanted = [RADIUS + offset for offset in OFFSETS]
        found = [self._found(each, centres, windows[:, wanted]) for each in small.unflatten(0, (n, -1))]
        whole = F.interpolate(torch.cat(found), scale_factor=float(CELL), mode="bilinear")
        whole = whole[..., :height, :width].unflatten(0, (n, -1))
        offset, slope, marks = whole.split((CHANNELS, CHANNELS, 1), dim=2)
        return torch.cat((offset + slope * frames[:, centres], marks), dim=2)

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, ...]:
        """Return the frames without stains, and the cue marks as a gray picture; arguments as for ``forward``."""
        found = self(frames, windows)
        marks = found[:, :, CHANNELS:].expand(-1, -1, CHANNELS, -1, -1)
        return frames[:, windows[:, RADIUS]] + found[:, :, :CHANNELS], marks

    def _found(self, small: Tensor, centres: Tensor, neighbours: Tensor) -> Tensor:
        """Return offset and slope of what to add to the colours, and the cue marks, (K, 7, h, w).

        Args:
            small: frames, (T, 3, h, w).
            centres: (K,), positions in T.
            neighbours: (K, 4), likewise.

        """
        centre = small[centres]
        with torch.no_grad():
            aligned, plain = _differences(small, centres, neighbours)
            shown = torch.cat((centre - 0.5, aligned.flatten(1, 2) * LOUDER, plain.flatten(1, 2) * LOUDER), dim=1)
        x = self.body(lrelu.after(self.fuse, channels_last(shown.to(self.fuse.weight.dtype))))
        shares, shade, marks = self.say(x).float().split((len(OFFSETS) + 1, 1, 1), dim=1)
        shares, marks = torch.softmax(shares, dim=1), torch.sigmoid(marks)
        if not self.training:
            shares, marks = shares * (1 - shares[:, -1:] > LEAST), marks * (marks > LEAST)
        added = (shares[:, :-1, None] * aligned).sum(1)
        slope = torch.sigmoid(shade) * added / centre.clamp(min=DARKEST)
        return torch.cat((added - slope * centre, slope, marks), dim=1)


def _differences(small: Tensor, centres: Tensor, neighbours: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbours to their centres, without flicker.

    Args:
        small: (T, 3, h, w).
        centres: (K,), positions in T.
        neighbours: (K, M), likewise.

    Returns:
        (K, M, 3, h, w), along the motion, and (K, M, 1, h, w), of luma, as they are.

    """
    of = centres[:, None].expand_as(neighbours).flatten()
    others = neighbours.flatten()
    bright = luma(small)
    flow = BlockSearch(bright - box_mean(bright, (AROUND, AROUND)) + 0.5).flow(of, others)
    centre = small[of]
    aligned = moved(small[others], flow)
    ratio = aligned.clamp(min=DARKEST) / centre.clamp(min=DARKEST)
    flicker = ratio[..., ::EVERY, ::EVERY].flatten(2).median(-1).values[..., None, None]
    plain = small[others] / flicker
    parts = aligned / flicker - centre, luma(plain) - luma(centre)
    along, still = (part.unflatten(0, neighbours.shape) for part in parts)
    return along, still


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    return replace(PLANES, frames=2 * RADIUS + 1)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor settings of the BlemishFinder whose tensors have these names and shapes; None if it is none."""
    if any(f"{layer}.weight" not in shapes for layer in ("fuse", "say", "body.down1", "body.down2")):
        return None
    return unet_settings(shapes, "body")
