"""StainRepair: takes large translucent stains off a picture, by a smooth gain, so that its detail is never touched.

A stain changes how bright a place is, and seldom what can be seen there. So the picture is looked at in cells of a few
pixels, where it is small, and what is found is a change of brightness and colour for every cell; enlarged, it is laid
on the frame as a gain. A U-Net sees a frame beside its neighbours at the same place, where a stain that lasts stays
while the picture moves, and along the motion, where a stain of one frame is missing. For every cell it says which of
the neighbours to believe, and what to change beyond that.

The pieces are well known: block matching, per-pixel blending of aligned frames (Mildenhall et al., CVPR 2018), the
U-Net; brightness in the logarithm, where a stain adds the same to all that lies beneath (Stockham, 1972).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.box import box_mean, halve
from vsrestore.networks.layers.layout import channels_last, pad_to_multiple
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.unet import UNet, initialise, unet_settings
from vsrestore.networks.layers.window_frames import WindowFrames
from vsrestore.networks.temporal_traits import PLANES
from vsrestore.networks.traits import Traits

REDUCED = 2  # px that are seen as one, each way; a cell is two of those
DARKEST = 0.1  # added to brightness before its logarithm, so that black does not count for much
LOUDER = 5.0
SMOOTH, SMOOTHER = 5, 15  # cells over which differences to a neighbour are averaged, too
AROUND = 31  # cells or pixels around one, over whose mean it stands out
NOTHING, AGREED = 3.0, 2.0  # logits before training: of leaving a cell as it is, of what the neighbours agree on
SOFTER = 0.1


class StainRepair(nn.Module):
    """Take the stains off the centre frame of each window.

    Args:
        radius: how far the furthest neighbours are, a power of two; the others are at 1, 2, 4, ... frames.
        width: channels at the size of cells.
        widths: channels of the U-Net at 1/2, 1/4 and 1/8 of it.
        blocks: its residual blocks: three down, two up.
    """

    def __init__(
        self,
        radius: int = 4,
        width: int = 24,
        widths: Sequence[int] = (48, 64, 96),
        blocks: Sequence[int] = (1, 1, 2, 1, 1),
    ) -> None:
        super().__init__()
        self.radius = radius
        distances = [2**power for power in range(radius.bit_length())]
        self.columns = [radius + step for step in (*(-far for far in reversed(distances)), 0, *distances)]
        others = len(self.columns) - 1
        self.enter = nn.Conv2d(2 * others + 11, width, 3, padding=1)
        self.down = nn.Conv2d(width, widths[0], 3, stride=2, padding=1)
        self.body = UNet(widths, blocks)
        self.up = nn.Conv2d(widths[0], width, 1)
        self.refine = nn.Conv2d(width, width, 3, padding=1)
        self.weigh = nn.Conv2d(width, 3 * others + 3, 3, padding=1)
        self.add = nn.Conv2d(width, 3, 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        """Begin with hardly any change."""
        initialise(self)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.add.weight)
        with torch.no_grad():
            cast("Tensor", self.weigh.bias)[-2:] = torch.tensor((AGREED, NOTHING))

    def forward(self, frames: Tensor, windows: Tensor, reduced: int = REDUCED) -> Tensor:
        """Repair one frame per window.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            windows: (K, 2 * radius + 1), int64: the positions in T that form each window, centre in the middle.
            reduced: px that are seen as one, each way: more in large frames, as stains grow with the frame.

        Returns:
            (N, K, 3, H, W), not clamped.
        """
        small = F.avg_pool2d(pad_to_multiple(frames.flatten(0, 1), reduced), reduced) if reduced > 1 else None
        changes = self.changes(frames if small is None else small.unflatten(0, frames.shape[:2]), windows)
        centres = frames[:, windows.to(frames.device, non_blocking=True)[:, self.radius]]
        height, width = frames.shape[-2:]
        whole = F.interpolate(changes.flatten(0, 1), scale_factor=2.0 * reduced, mode="bilinear")
        gain = whole[..., :height, :width].exp().view_as(centres)
        return torch.addcmul(gain * DARKEST - DARKEST, centres, gain)

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor, ...]:
        """Repair frames that are reduced already, in training: what the only head gives."""
        return (self(frames, windows, reduced=1),)

    def changes(self, frames: Tensor, windows: Tensor) -> Tensor:
        """Return what to add to the logarithm of the brightness of cells of 2x2 pixels, (N, K, 3, h, w), float32.

        Cells up to a multiple of 16 are filled up.
        """
        shot = WindowFrames(frames, windows[:, self.columns], _contrast)
        cells = _logarithm(halve(shot.frames))
        parts = [self._changes(shot, cells, group) for group in shot.groups(together=self.training)]
        return torch.cat(parts).unflatten(0, (len(frames), -1))

    def _changes(self, shot: WindowFrames, cells: Tensor, group: slice) -> Tensor:
        """Return the changes of the windows of ``group`` (R of them), (R, 3, h, w)."""
        clues, candidates = self._clues(shot, cells, group)
        fine = lrelu(self.enter(channels_last(clues.to(self.enter.weight.dtype))))
        coarse = self.body(lrelu.after(self.down, fine))
        x = fine + F.interpolate(self.up(coarse), scale_factor=2.0)
        x = x + lrelu.after(self.refine, x)
        shares = self.weigh(x).float().softmax(1)[:, :-1]
        return (shares[:, :, None] * candidates).sum(1) + SOFTER * self.add(x).float()

    @torch.no_grad()
    def _clues(self, shot: WindowFrames, cells: Tensor, group: slice) -> tuple[Tensor, Tensor]:
        """Return what the network sees, (R, C, h, w), and what it may believe, (R, 3 * others + 2, 3, h, w)."""
        rows = shot.rows[group]
        here = cells[rows[:, shot.centre]]
        along, still = [], []
        for column, moved in shot.aligned(group):
            along.append(_without_flicker(_logarithm(moved.mean(2)) - here))
            still.append(_without_flicker(cells[rows[:, column]] - here))
        same = torch.zeros_like(here)
        agreed = torch.stack((*along, same)).median(0).values
        lasting = _alone(still_layer(here + torch.stack((*still, same))))
        aligned = torch.stack(along, 1)
        smooth, smoother = (
            box_mean(aligned.flatten(0, 1), (size, size)).view_as(aligned) for size in (SMOOTH, SMOOTHER)
        )
        grey = smooth.mean(2)
        clues = (
            _alone(here.mean(1, keepdim=True)),
            lasting,
            agreed.mean(1, keepdim=True),
            grey.amax(1, keepdim=True),
            grey.amin(1, keepdim=True),
            smoother.mean((1, 2)).unsqueeze(1),
            aligned.mean(2),
            torch.stack(still, 1).mean(2),
        )
        inputs = torch.cat((here + 1, *(clue * LOUDER for clue in clues)), 1)
        agreed = box_mean(agreed, (SMOOTH, SMOOTH))
        return inputs, torch.cat((aligned, smooth, smoother, torch.stack((-lasting, agreed), 1)), 1)


def _logarithm(brightness: Tensor) -> Tensor:
    return (brightness + DARKEST).log()


def still_layer(frames: Tensor) -> Tensor:
    """Return what stays in frames (T, R, 3, h, w) while all else moves, (R, 3, h, w), but for its mean.

    Its differences from cell to cell are the medians over time of those of the frames (Weiss, "Deriving Intrinsic
    Images from Image Sequences", ICCV 2001); beyond the border all is mirrored.
    """
    down, across = (frames.diff(dim=dim).median(0).values for dim in (-2, -1))
    down, across = F.pad(down, (0, 0, 1, 1)), F.pad(across, (1, 1))
    bend = down.diff(dim=-2) + across.diff(dim=-1)
    height, width = bend.shape[-2:]
    bend = torch.cat((bend, bend.flip(-2)), -2)
    bend = torch.fft.rfft2(torch.cat((bend, bend.flip(-1)), -1))
    curve = [
        2 * torch.cos(torch.arange(n, device=bend.device) * (torch.pi / side)) - 2
        for n, side in ((2 * height, height), (width + 1, width))
    ]
    total = curve[0][:, None] + curve[1]
    total[0, 0] = -torch.inf
    return torch.fft.irfft2(bend / total, s=(2 * height, 2 * width))[..., :height, :width]


def _alone(brightness: Tensor) -> Tensor:
    """Return how far cells stand out of the mean around them."""
    return brightness - box_mean(brightness, (AROUND, AROUND))


def _contrast(frames: Tensor) -> Tensor:
    """Return how far pixels stand out of what is around them, about 0.5.

    Motion is found by detail then: by its brightness a stained place would fit another one beside it.
    """
    bright = _logarithm(luma(frames))
    return (0.5 + 0.5 * (bright - box_mean(bright, (AROUND, AROUND)))).clamp(0, 1)


def _without_flicker(differences: Tensor) -> Tensor:
    """Return differences of frames (R, 3, h, w) without what all of the frame has in common."""
    common = differences[..., ::2, ::2].flatten(2).median(-1).values
    return differences - common[..., None, None]


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    return replace(PLANES, frames=2 * settings["radius"] + 1)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor settings of the StainRepair whose tensors have these names and shapes; None if it is none."""
    if any(f"{layer}.weight" not in shapes for layer in ("enter", "down", "weigh", "add", "body.down1")):
        return None
    width, inputs = shapes["enter.weight"][:2]
    return {"radius": 2 ** ((inputs - 11) // 4 - 1), "width": width, **unet_settings(shapes, "body")}
