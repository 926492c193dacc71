"""ScratchRepair: finds scratches along the film by what they are, and fills them across.

A scratch is a thin line that runs down the frame, may wander, break and lean, and lies where it lies whatever the
picture does. A U-Net of few channels sees the frame with every four rows averaged and all its columns, so that its
reach is long down the frame and fine across it, beside what the neighbours have at the same place: a line of the
picture moves with it. It says, for every cell of four rows of a column, how far it is a scratch, and how much it hides
of what lies beneath. Filling learns nothing: across the line row by row, and where the picture shows through, by what
the line adds on average along its course.

The pieces are well known: row profiles over many rows (Kokaram, EUSIPCO 1996), lines that wander (Newson et al.,
"Robust automatic line scratch detection in films", IEEE Trans. Image Processing 2014), the U-Net.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.across import filled_across
from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.box import box_mean
from vsrestore.networks.layers.layout import channels_last, pad_to_multiple
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.temporal_traits import PLANES
from vsrestore.networks.traits import Traits

CELL = 4  # rows that are averaged
MULTIPLE = 32  # of height and width: every size of the U-Net is whole
ACROSS = 17  # px: a line stands out of the mean of so many around it
LOUDER = 5.0
ALONG = 9  # rows over which is averaged what a line adds
# In use pixels are left bit by bit up to the one, and taken for a scratch from the other on: to leave some of a scratch
# harms less than to fill a mast.
UNSURE, SURE = 0.5, 1.0
UNLIKELY = -3.0  # logit of a scratch before training
PAIR = 2  # columns that are channels of one position


class ScratchRepair(nn.Module):
    """Take the scratches off the centre frame of each window; all else stays as it is.

    Args:
        radius: neighbours on each side, at least 1.
        width: channels at 1/4 of the height.
        tall: channels at 1/8 of it and less.
    """

    def __init__(self, radius: int = 2, width: int = 16, tall: int = 32) -> None:
        super().__init__()
        self.radius = radius
        self.enter = nn.Conv2d(PAIR * (2 * radius + 4), width, (3, 5), padding=(1, 2))
        self.down = nn.ModuleList(
            nn.Conv2d(inputs, tall, 3, stride=(2, 1), padding=1) for inputs in (width, tall, tall)
        )
        self.bottom = nn.ModuleList(nn.Conv2d(tall, tall, (5, 3), padding=(2, 1)) for _ in range(2))
        self.up = nn.ModuleList(nn.Conv2d(tall, outputs, 1) for outputs in (tall, tall, width))
        self.refine = nn.ModuleList(nn.Conv2d(size, size, 3, padding=1) for size in (tall, tall, width))
        self.say = nn.Conv2d(width, 2 * PAIR, (1, 3), padding=(0, 1))
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
            (N, K, 3, H, W); pixels that are no scratch are those of the centre, bit by bit.
        """
        return self.restore(frames, windows)[0]

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, ...]:
        """Return what the only head gives, as networks with several heads do; arguments as for ``forward``."""
        return self.restore_and_mark(frames, windows)[0]

    def restore_and_mark(self, frames: Tensor, windows: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the same, and the logits of scratches in cells of four rows, (N, K, 1, H / 4, W)."""
        windows = windows.to(frames.device, non_blocking=True)
        centres = frames[:, windows[:, self.radius]]
        logits = self.logits(frames, windows)
        maps = torch.sigmoid(logits)
        if not self.training:
            maps[:, :, 0] = ((maps[:, :, 0] - UNSURE) / (SURE - UNSURE)).clamp(0, 1)
        if not bool(maps[:, :, 0].any()):
            return (centres,), logits[:, :, :1]
        whole = taller(maps.flatten(0, 1))[..., : frames.shape[-2], :]
        repaired = _repaired(centres.flatten(0, 1), whole[:, :1], whole[:, 1:]).view_as(centres)
        return (repaired,), logits[:, :, :1]

    def logits(self, frames: Tensor, windows: Tensor) -> Tensor:
        """Tell where scratches are, and how far they hide what lies beneath; arguments as for ``forward``.

        Returns:
            (N, K, 2, H / 4, W), logits for cells of four rows, float32; rows up to a multiple of 32 are filled up.
        """
        logits = [self._logits_of(each[windows]) for each in self._profiles(frames)]
        return torch.stack(logits)[..., : frames.shape[-1]]

    def _profiles(self, frames: Tensor) -> Tensor:
        """What each frame shows in cells of four rows: (N, T, 5, H / 4, W).

        How far the three colours and luma stand out of the mean around them, and that mean.
        """
        whole = pad_to_multiple(frames.flatten(0, 1), MULTIPLE)
        cells = whole.unflatten(-2, (-1, CELL)).mean(-2)
        cells = torch.cat((cells, luma(cells)), dim=1)
        around = box_mean(cells, (1, ACROSS))
        return torch.cat(((cells - around) * LOUDER, around[:, 3:] - 0.5), dim=1).unflatten(0, frames.shape[:2])

    def _logits_of(self, profiles: Tensor) -> Tensor:
        """Return logits of scratches and of their being opaque, (K, 2, H / 4, W), from windows (K, T, 5, H / 4, W)."""
        centre = profiles[:, self.radius]
        others = [profiles[:, column, 3] for column in range(profiles.shape[1]) if column != self.radius]
        shown = torch.cat((centre[:, :3], torch.stack(others, 1), centre[:, 4:]), dim=1)
        pairs = shown.unflatten(-1, (-1, PAIR)).movedim(-1, 2).flatten(1, 2)
        logits = self.say(self._body(channels_last(pairs.to(self.enter.weight.dtype)))).float()
        return logits.unflatten(1, (2, PAIR)).movedim(2, -1).flatten(-2)

    def _body(self, shown: Tensor) -> Tensor:
        """The U-Net, which halves heights alone: (K, C, H / 4, W / 2) to (K, width, H / 4, W / 2)."""
        sizes = [lrelu.after(self.enter, shown)]
        for down in self.down:
            sizes.append(lrelu.after(down, sizes[-1]))
        x = sizes.pop()
        for conv in self.bottom:
            x = x + lrelu.after(conv, x)
        for up, refine in zip(self.up, self.refine, strict=True):
            x = sizes.pop() + F.interpolate(up(x), scale_factor=(2.0, 1.0))
            x = x + lrelu.after(refine, x)
        return x


def _repaired(frames: Tensor, scratched: Tensor, opaque: Tensor) -> Tensor:
    """Fill scratches in frames (N, 3, H, W) where there are any; the other two are (N, 1, H, W).

    Columns without any are not looked at. Only the maps get gradients.
    """
    marked = scratched > 0
    numbers, columns = marked.any(-2)[:, 0].nonzero(as_tuple=True)
    shown, share, hides, here = (
        part.transpose(1, 3)[numbers, columns] for part in (frames, scratched, opaque, marked)
    )  # (C, H, channels): the columns one after another
    with torch.no_grad():
        column, row = here[..., 0].nonzero(as_tuple=True)
        height, width = frames.shape[-2:]
        places = (numbers[column] * height + row) * width + columns[column]
        change = torch.zeros_like(shown)
        change[column, row] = filled_across(frames, scratched, places).T - shown[column, row]
        weight = share * here
        along = _down(change * weight) / (_down(weight) + 1e-3)
    repaired = torch.where(here, shown + share * torch.lerp(along, change, hides), shown)
    whole = frames.clone().transpose(1, 3)
    whole[numbers, columns] = repaired
    return whole.transpose(1, 3)


def _down(columns: Tensor) -> Tensor:
    """Mean of some rows around each, of columns (C, H, channels)."""
    return box_mean(columns[:, None], (ALONG, 1))[:, 0]


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
    if any(f"{layer}.weight" not in shapes for layer in ("enter", "say", "bottom.0", "refine.2")):
        return None
    width, inputs = shapes["enter.weight"][:2]
    return {"radius": (inputs // PAIR - 4) // 2, "width": width, "tall": shapes["bottom.0.weight"][0]}
