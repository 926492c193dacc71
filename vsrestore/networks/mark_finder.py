"""MarkFinder: finds change-over marks and what else lies on a few frames at one place of the film.

A mark lies where it lies for three to five frames, whatever the picture does, so that a frame and its nearest
neighbours agree on it; it is told by what it is: a spot, a ring or a cross that comes and goes at once. A small U-Net
sees the frame at half its size, or less where frames are large, beside what four neighbours on each side have at the
same place. It says where marks are; others fill them (`motion_fill`).

The pieces are well known: the difference to frames that do not move with the picture (Kokaram, "Motion Picture
Restoration", 1998), the U-Net.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.box import box_mean
from vsrestore.networks.layers.layout import channels_last, pad_to_multiple
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.unet import UNet, initialise, unet_settings
from vsrestore.networks.temporal_traits import PLANES
from vsrestore.networks.traits import Traits

CELL = 2  # px of a cell that is seen as one, each way
MULTIPLE = 8  # of cells: every size of the U-Net is whole
AROUND = 15  # cells: a mark stands out of the mean of so many around it
LOUDER = 5.0
UNLIKELY = -4.0  # logit before training
SURE, LIKELY = 0.5, 0.1  # likelihood from which a cell is a mark, and that of cells beside such
BESIDE = 8  # cells from a sure one that count as beside it
WIDER = 1  # cells that a mark is taken to be wider than it is said to be


class MarkFinder(nn.Module):
    """Say where marks are in the centre frame of each window.

    Args:
        radius: neighbours on each side, at least 1.
        widths: channels of the U-Net at the size of cells, 1/2 and 1/4 of it.
        blocks: its residual blocks: three down, two up.
    """

    def __init__(
        self, radius: int = 4, widths: Sequence[int] = (16, 32, 48), blocks: Sequence[int] = (1, 1, 2, 1, 1)
    ) -> None:
        super().__init__()
        self.radius = radius
        self.enter = nn.Conv2d(2 * radius + 4, widths[0], 3, padding=1)
        self.body = UNet(widths, blocks)
        self.say = nn.Conv2d(widths[0], 1, 3, padding=1)
        initialise(self)
        nn.init.zeros_(self.say.weight)
        assert self.say.bias is not None
        nn.init.constant_(self.say.bias, UNLIKELY)

    def forward(self, frames: Tensor, windows: Tensor, cell: int = CELL) -> Tensor:
        """Mark one frame per window.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            windows: (K, 2 * radius + 1), int64: the positions in T that form each window, centre in the middle.
            cell: px that are seen as one, each way: more in large frames, as marks grow with the frame.

        Returns:
            (N, K, 1, H, W): 1 where a mark is, and close around it; 0 elsewhere.
        """
        likely = torch.sigmoid(self.logits(frames, windows, cell).flatten(0, 1))
        wider = _wider((likely > LIKELY) & (_wider((likely > SURE).float(), BESIDE) > 0), WIDER)
        height, width = frames.shape[-2:]
        whole = F.interpolate(wider, scale_factor=float(cell))[..., :height, :width]
        return whole.unflatten(0, (len(frames), -1))

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, ...]:
        """Return the centres as they are, in training the frames that it restores."""
        return (frames[:, windows.to(frames.device)[:, self.radius]],)

    def restore_and_mark(self, frames: Tensor, windows: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the same, and the logits of marks in cells, (N, K, 1, h, w)."""
        return self.restore(frames, windows), self.logits(frames, windows)

    def logits(self, frames: Tensor, windows: Tensor, cell: int = CELL) -> Tensor:
        """Return the logits of marks in cells, float32, (N, K, 1, h, w); arguments as for ``forward``."""
        windows = windows.to(frames.device, non_blocking=True)
        whole = pad_to_multiple(frames.flatten(0, 1), cell * MULTIPLE)
        cells = F.avg_pool2d(whole, cell).unflatten(0, frames.shape[:2])
        brightness = luma(cells.flatten(0, 1)).view_as(cells[:, :, 0])
        centres = cells[:, windows[:, self.radius]].flatten(0, 1)
        here = brightness[:, windows[:, self.radius], None]
        others = torch.cat((windows[:, : self.radius], windows[:, self.radius + 1 :]), dim=1)
        apart = (brightness[:, others] - here).flatten(0, 1)
        alone = here.flatten(0, 1) - box_mean(here.flatten(0, 1), (AROUND, AROUND))
        shown = torch.cat((centres - 0.5, alone * LOUDER, apart * LOUDER), dim=1)
        x = lrelu(self.enter(channels_last(shown.to(self.enter.weight.dtype))))
        return self.say(self.body(x)).float().unflatten(0, (len(frames), -1))


def _wider(mask: Tensor, cells: int) -> Tensor:
    """Return a mask (N, 1, h, w) grown by so many cells, as numbers."""
    return F.max_pool2d(mask.float(), 2 * cells + 1, 1, cells)


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    return replace(PLANES, frames=2 * settings["radius"] + 1)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor settings of the MarkFinder whose tensors have these names and shapes; None if it is none."""
    if shapes.get("say.weight", (0,))[0] != 1 or "enter.weight" not in shapes or "body.down1.weight" not in shapes:
        return None
    return {"radius": (shapes["enter.weight"][1] - 4) // 2, **unet_settings(shapes, "body")}
