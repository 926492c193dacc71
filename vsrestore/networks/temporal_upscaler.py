"""TemporalUpscaler: our own sliding-window network that enlarges frames with what their neighbours show.

Neighbours are aligned to the centre frame by block matching, in whole pixels; what lies between pixels is what they
add. A small U-Net at the size of the input says what the bicubic enlargement of the centre lacks.

The pieces are well known: block matching, early fusion of aligned frames (Caballero et al., CVPR 2017), the U-Net
(Ronneberger et al., MICCAI 2015), the pixel shuffle (Shi et al., CVPR 2016) over an interpolated picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.block_matching import joined
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.unet import UNet, initialise, unet_settings
from vsrestore.networks.layers.window_frames import CHANNELS, LOUDER, SOFTER, WindowFrames
from vsrestore.networks.temporal_traits import ENLARGING_OVERLAP, TEMPORAL
from vsrestore.networks.traits import Traits


class TemporalUpscaler(nn.Module):
    """Enlarge the centre frame of a window with the help of its neighbours.

    The weights may be half precision or bf16 while the frames stay float32, as for `TemporalUNet`.

    Args:
        scale: 2 or 4.
        radius: neighbours on each side.
        widths: channels of the U-Net at the size of the input, at 1/2 and at 1/4 of it.
        blocks: residual blocks of the U-Net on its way: three down, two up.
    """

    def __init__(
        self,
        scale: int = 2,
        radius: int = 2,
        widths: Sequence[int] = (48, 64, 96),
        blocks: Sequence[int] = (1, 1, 1, 1, 3),
    ) -> None:
        super().__init__()
        self.scale, self.radius = scale, radius
        self.fuse = nn.Conv2d(CHANNELS * (1 + 2 * radius), widths[0], 3, padding=1)
        self.body = UNet(widths, blocks)
        self.add = nn.Conv2d(widths[0], CHANNELS * scale * scale, 3, padding=1)
        initialise(self)
        nn.init.zeros_(self.add.weight)  # begins as bicubic enlargement

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        """Enlarge one frame per window.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            windows: (K, 2 * radius + 1), int64: the positions in T that form each window, centre in the middle.

        Returns:
            (N, K, 3, scale * H, scale * W), not clamped.
        """
        return self.restore(frames, windows)[0]

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, ...]:
        """Return what the only head gives, as networks with several heads do; arguments as for ``forward``."""
        shot = WindowFrames(frames, windows)
        parts = [self._enlarged(shot, group) for group in shot.groups(together=self.training)]
        return (shot.together(parts, self.scale),)

    def _enlarged(self, shot: WindowFrames, group: slice) -> Tensor:
        """The centres of the windows of ``group`` (R of them), enlarged: (R, 3, scale * H, scale * W)."""
        centre = shot.frames[shot.rows[group, self.radius]]
        clues = torch.cat((centre - 0.5, *self._differences(centre, shot, group)), dim=1)
        x = self.body(lrelu.after(self.fuse, channels_last(clues.to(self.fuse.weight.dtype))))
        plain = F.interpolate(centre, scale_factor=float(self.scale), mode="bicubic")
        return plain + F.pixel_shuffle(self.add(x), self.scale) * SOFTER

    @torch.no_grad()
    def _differences(self, centre: Tensor, shot: WindowFrames, group: slice) -> list[Tensor]:
        """Differences of the aligned neighbours to the centre (R, 3, H, W), each of its shape, made louder."""
        return [(joined(neighbour) - centre) * LOUDER for _, neighbour in shot.aligned(group)]


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    frames, scale = 2 * settings["radius"] + 1, settings["scale"]
    return replace(TEMPORAL, frames=frames, scale=scale, tile_overlap=ENLARGING_OVERLAP)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor settings of the TemporalUpscaler whose tensors have these names and shapes; None if it is none."""
    needed = ("fuse", "add", "body.down1", "body.down2")
    if any(f"{layer}.weight" not in shapes for layer in needed) or "weigh.weight" in shapes:
        return None
    return {
        "scale": round((shapes["add.weight"][0] / CHANNELS) ** 0.5),
        "radius": (shapes["fuse.weight"][1] // CHANNELS - 1) // 2,
        **unet_settings(shapes, "body"),
    }
