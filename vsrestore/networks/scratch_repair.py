"""ScratchRepair: finds scratches along the film by what they are, and takes off what they add to the picture.

A scratch is a thin line that runs down the frame, may wander, break and lean, and lies where it lies whatever the
picture does. A U-Net of few channels sees the frame with every four rows averaged and all its columns, so that its
reach is long down the frame and fine across it, beside what the neighbours have at the same place, where a line of the
picture does not stay when it moves, and along the motion, where a scratch does not stay. It says, for every cell of
four rows of a column, how likely a scratch is and by how much it changes each colour. That change, linear from cell to
cell, is taken off: what can be seen through a scratch keeps its detail.

The pieces are well known: row profiles over many rows (Kokaram, EUSIPCO 1996), lines that wander (Newson et al.,
"Robust automatic line scratch detection in films", IEEE Trans. Image Processing 2014), block matching, the U-Net.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.block_matching import joined
from vsrestore.networks.layers.box import box_mean
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.window_frames import CHANNELS, WindowFrames
from vsrestore.networks.temporal_traits import PLANES
from vsrestore.networks.traits import Traits

CELL = 4  # rows that are averaged
ACROSS = 17  # px: a line stands out of the mean of so many around it
FLICKER, SLOW = 0.1, (17, 65)  # what differs from a neighbour by less, over so many cells and columns, is flicker
LOUDER, SOFTER = 5.0, 0.2  # changes are small numbers: made larger for the U-Net, and what it says smaller
UNSURE = 0.05  # likelihood up to which pixels are left bit by bit
UNLIKELY = -2.0  # logit of a scratch before training
PAIR = 2  # columns that are channels of one position


class ScratchRepair(nn.Module):
    """Take the scratches off the centre frame of each window; all else stays as it is.

    Args:
        radius: neighbours on each side, at least 1.
        width: channels at 1/4 of the height.
        tall: channels at 1/8 of it and less.
    """

    def __init__(self, radius: int = 2, width: int = 32, tall: int = 48) -> None:
        super().__init__()
        self.radius = radius
        inputs = 2 * CHANNELS + 2 * radius * (1 + CHANNELS)
        self.enter = nn.Conv2d(PAIR * inputs, width, (3, 5), padding=(1, 2))
        self.down = nn.ModuleList(
            nn.Conv2d(before, tall, 3, stride=(2, 1), padding=1) for before in (width, tall, tall)
        )
        self.bottom = nn.ModuleList(nn.Conv2d(tall, tall, (5, 3), padding=(2, 1)) for _ in range(3))
        self.up = nn.ModuleList(nn.Conv2d(tall, outputs, 1) for outputs in (tall, tall, width))
        self.refine = nn.ModuleList(nn.Conv2d(size, size, 3, padding=1) for size in (tall, tall, width))
        self.last = nn.Conv2d(width, width, 3, padding=1)
        self.say = nn.Conv2d(width, PAIR * (1 + CHANNELS), 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        """Begin without scratches."""
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                assert part.bias is not None
                nn.init.zeros_(part.bias)
        nn.init.zeros_(self.say.weight)
        assert self.say.bias is not None
        with torch.no_grad():
            self.say.bias[:PAIR] = UNLIKELY

    def forward(self, frames: Tensor, windows: Tensor) -> Tensor:
        """Repair one frame per window.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            windows: (K, 2 * radius + 1), int64: the positions in T that form each window, centre in the middle.

        Returns:
            (N, K, 3, H, W), not clamped; pixels that are no scratch are those of the centre, bit by bit.
        """
        return self.restore(frames, windows)[0]

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, ...]:
        """Return what the only head gives, as networks with several heads do; arguments as for ``forward``."""
        return self.restore_and_mark(frames, windows)[0]

    def restore_and_mark(self, frames: Tensor, windows: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the same, and the logits of scratches in cells of four rows, (N, K, 1, H / 4, W)."""
        logits, changes = self.scratches(frames, windows)
        likely = ((torch.sigmoid(logits) - UNSURE) / (1 - UNSURE)).clamp(min=0)
        change = taller((likely * changes).flatten(0, 1)).unflatten(0, changes.shape[:2])
        centres = frames[:, windows.to(frames.device, non_blocking=True)[:, self.radius]]
        return (centres - change[..., : frames.shape[-2], :],), logits

    def scratches(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Tell where scratches are, and what they add to the picture if they are; arguments as for ``forward``.

        Returns:
            Logits (N, K, 1, H / 4, W), and changes of red, green and blue (N, K, 3, H / 4, W), for cells of four rows,
            float32; rows up to a multiple of 32 are filled up.
        """
        shot = WindowFrames(frames, windows)
        profiles = _profiles(shot.frames)
        maps = torch.cat([self._maps(shot, profiles, group) for group in shot.groups(together=self.training)])
        logits, changes = maps[..., : frames.shape[-1]].unflatten(0, (len(frames), -1)).split((1, CHANNELS), dim=2)
        return logits, changes * SOFTER

    def _maps(self, shot: WindowFrames, profiles: Tensor, group: slice) -> Tensor:
        """What the U-Net says of the windows of a group, (R, 4, H / 4, W)."""
        with torch.no_grad():
            parts = torch.cat((*self._in_place(shot, profiles, group), *self._along_the_motion(shot, group)), dim=1)
        pairs = parts.unflatten(-1, (-1, PAIR)).movedim(-1, 2).flatten(1, 2)
        maps = self.say(self._body(channels_last(pairs.to(self.enter.weight.dtype)))).float()
        return maps.unflatten(1, (-1, PAIR)).movedim(2, -1).flatten(-2)

    def _in_place(self, shot: WindowFrames, profiles: Tensor, group: slice) -> list[Tensor]:
        """How far colours stand out in the centre, its colours, and how far brightness stands out in the neighbours."""
        rows = shot.rows[group]
        centre = profiles[rows[:, self.radius]]
        others = [profiles[rows[:, column], CHANNELS, None] for column in shot.columns]
        return [centre[:, :CHANNELS], centre[:, CHANNELS + 1 :], *others]

    def _along_the_motion(self, shot: WindowFrames, group: slice) -> list[Tensor]:
        """What each neighbour differs by along the motion, without flicker."""
        centre = rows_averaged(shot.frames[shot.rows[group, self.radius]])
        parts = []
        for _, neighbour in shot.aligned(group):
            difference = rows_averaged(joined(neighbour)) - centre
            parts.append((difference - box_mean(difference.clamp(-FLICKER, FLICKER), SLOW)) * LOUDER)
        return parts

    def _body(self, pairs: Tensor) -> Tensor:
        """The U-Net, which halves heights alone: (R, C, H / 4, W / 2) to (R, width, H / 4, W / 2)."""
        sizes = [lrelu.after(self.enter, pairs)]
        for down in self.down:
            sizes.append(lrelu.after(down, sizes[-1]))
        x = sizes.pop()
        for conv in self.bottom:
            x = x + lrelu.after(conv, x)
        for up, refine in zip(self.up, self.refine, strict=True):
            x = sizes.pop() + F.interpolate(up(x), scale_factor=(2.0, 1.0))
            x = x + lrelu.after(refine, x)
        return x + lrelu.after(self.last, x)


@torch.no_grad()
def _profiles(frames: Tensor) -> Tensor:
    """What frames (F, 3, H, W) show in cells of four rows: (F, 7, H / 4, W).

    How far the three colours and luma stand out of the mean around them, and that mean of the colours.
    """
    means = rows_averaged(frames)
    means = torch.cat((means, luma(means)), dim=1)
    around = box_mean(means, (1, ACROSS))
    return torch.cat(((means - around) * LOUDER, around[:, :CHANNELS] - 0.5), dim=1)


def rows_averaged(frames: Tensor) -> Tensor:
    """Average the rows of each cell: (N, C, H, W) to (N, C, H / 4, W)."""
    return frames.unflatten(-2, (-1, CELL)).mean(-2)


def taller(cells: Tensor) -> Tensor:
    """Enlarge maps (N, C, h, W) of cells to rows, linear between the middles of cells: (N, C, 4 * h, W)."""
    above = torch.cat((cells[..., :1, :], cells[..., :-1, :]), dim=-2)
    below = torch.cat((cells[..., 1:, :], cells[..., -1:, :]), dim=-2)
    steps = [(row + 0.5) / CELL - 0.5 for row in range(CELL)]
    rows = [torch.lerp(cells, above if step < 0 else below, abs(step)) for step in steps]
    return torch.stack(rows, dim=-2).flatten(-3, -2)


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    return replace(PLANES, frames=2 * settings["radius"] + 1)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor settings of the ScratchRepair whose tensors have these names and shapes; None if it is none."""
    if any(f"{layer}.weight" not in shapes for layer in ("enter", "say", "bottom.0", "last")):
        return None
    width, inputs = shapes["enter.weight"][:2]
    neighbours = (inputs // PAIR - 2 * CHANNELS) // (1 + CHANNELS)
    return {"radius": neighbours // 2, "width": width, "tall": shapes["bottom.0.weight"][0]}
