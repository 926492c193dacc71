"""FrameInterpolator: our own network that makes the frame at a time between two.

Motion comes from block matching along lines through the frame that is to be made, which needs no training. Both frames
are moved by it; a small U-Net at half of the size says where the motion is a little different, how much of the moved
and of the unmoved frames each pixel takes, and what to add.

The pieces are well known: bilateral motion estimation (see ``bilateral_motion``), the U-Net (Ronneberger et al., MICCAI
2015), blending by visibility with a residual (Jiang et al., Super SloMo, CVPR 2018), flow that is refined with the
blend (Huang et al., RIFE, ECCV 2022).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu
from vsrestore.networks.layers.bilateral_motion import MULTIPLE, Motion, Path, bilateral_motion, larger
from vsrestore.networks.layers.layout import channels_last, pad_to_multiple
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.layers.unet import UNet, initialise, unet_settings
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.layers.window_frames import CHANNELS, LOUDER, SOFTER
from vsrestore.networks.temporal_traits import BETWEEN
from vsrestore.networks.traits import Traits

PHASES = 4  # positions within a 2x2 block of pixels: the U-Net works on blocks
CANDIDATES = 4  # both frames moved, and both as they are
SHOWN = 4 * CHANNELS * PHASES  # channels: the blend, and how it differs from the candidates
CLUES = 5  # the motion, how badly it fits, whether its ends lie in the picture
FAR = 32.0  # pixels that a motion is measured in
DOUBTED = 0.12  # a misfit at which the frames as they are count as much as moved
FITS = 1e-3  # differences below it tell nothing
OUTSIDE = -6.0  # logit of a frame where the motion leads out of it


class FrameInterpolator(nn.Module):
    """Make the frame at a time between two frames.

    The weights may be half precision or bf16 while the frames stay float32: motion, warps and the blend keep the
    frames' precision.

    Args:
        widths: channels of the U-Net at 1/2, 1/4 and 1/8 of the size.
        blocks: residual blocks of the U-Net on its way: three down, two up.
    """

    radius = 1
    between = True  # the wanted frame itself is not seen

    radius = 1
    makes_between = True  # training shows it the frames beside the wanted one only

    def __init__(self, widths: Sequence[int] = (32, 64, 96), blocks: Sequence[int] = (1, 1, 2, 1, 1)) -> None:
        super().__init__()
        self.fuse = nn.Conv2d(SHOWN + CLUES, widths[0], 3, padding=1)
        self.body = UNet(widths, blocks)
        self.move = nn.Conv2d(widths[0], 4, 3, padding=1)
        self.weigh = nn.Conv2d(widths[0], CANDIDATES * PHASES, 3, padding=1)
        self.add = nn.Conv2d(widths[0], CHANNELS * PHASES, 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        """Begin as a blend of the moved frames and, where they do not fit, of the frames as they are."""
        initialise(self)
        for last in (self.move, self.weigh, self.add):
            nn.init.zeros_(last.weight)

    def forward(self, frames: Tensor, following: Tensor, times: Tensor) -> Tensor:
        """Make a frame between each pair.

        Args:
            frames: (K, 3, H, W) in [0, 1].
            following: the frames after them, likewise.
            times: where between them, (K,), 0 is the first of the two and 1 the second.

        Returns:
            (K, 3, H, W), not clamped.
        """
        height, width = frames.shape[-2:]
        first, second = (pad_to_multiple(each, MULTIPLE) for each in (frames, following))
        times = times.to(first, non_blocking=True).view(-1, 1, 1, 1)
        path = Path(times, height, width)
        motion = bilateral_motion(luma(first), luma(second), path)
        features = self.body(lrelu.after(self.fuse, self._clues(first, second, motion, path)))
        more, logits, change = (self._asked(part, features) for part in (self.move, self.weigh, self.add))
        moved = self._moved(first, second, motion, path, larger(more))
        pictures = (*moved, first, second)
        shares = torch.softmax(F.pixel_shuffle(logits + _known(motion, times), 2), dim=1)
        made = torch.stack([picture * shares[:, k : k + 1] for k, picture in enumerate(pictures)]).sum(0)
        return (made + SOFTER * F.pixel_shuffle(change, 2))[..., :height, :width]

    def restore(self, frames: Tensor, windows: Tensor) -> tuple[Tensor]:
        """Make frames between others of a clip, as it is trained.

        Args:
            frames: (N, T, 3, H, W) in [0, 1].
            windows: (K, 3), int64: the positions in T of the frame before, of the wanted one, and of the one after.

        Returns:
            (N, K, 3, H, W), not clamped: one head.
        """
        before, wanted, after = windows.unbind(1)
        times = ((wanted - before) / (after - before)).repeat(len(frames))
        made = self(frames[:, before].flatten(0, 1), frames[:, after].flatten(0, 1), times)
        return (made.unflatten(0, (len(frames), len(windows))),)

    def _asked(self, part: nn.Conv2d, features: Tensor) -> Tensor:
        """What a last layer gives, as float32."""
        return part(features).float()

    def _moved(
        self, first: Tensor, second: Tensor, motion: Motion, path: Path, more: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Both frames moved to the time; ``more``: what is added to where each comes from, (N, 4, H, W)."""
        back, ahead = path.ends(larger(motion.flow))
        if more is not None:
            back, ahead = back + more[:, :2], ahead + more[:, 2:]
        return flow_warp(first, back, "border"), flow_warp(second, ahead, "border")

    @torch.no_grad()
    def _clues(self, first: Tensor, second: Tensor, motion: Motion, path: Path) -> Tensor:
        """What the U-Net sees: (N, SHOWN + CLUES, H / 2, W / 2), channels last, in the precision of the weights."""
        back, ahead = self._moved(first, second, motion, path)
        blend = torch.lerp(back, ahead, path.times)
        pictures = torch.cat((blend - 0.5, (back - ahead) * LOUDER, (first - blend), (second - blend)), dim=1)
        clues = (motion.flow / FAR, motion.misfit * LOUDER, motion.inside)
        dtype = self.fuse.weight.dtype
        small = F.pixel_unshuffle(pictures.to(dtype), 2)
        return channels_last(torch.cat((small, *(clue.to(dtype) for clue in clues)), dim=1))


def _known(motion: Motion, times: Tensor) -> Tensor:
    """Logits of the candidates that need no training, (N, CANDIDATES * PHASES, h, w).

    The nearer frame counts for more. What moves out of one frame is taken from the other. Where blocks along the motion
    do not fit, the frames as they are have a share: what is not known is better blurred than broken.
    """
    near = torch.cat((1 - times, times), dim=1).log()
    moved = near + OUTSIDE * (1 - motion.inside)
    unmoved = near + 2 * ((motion.misfit + FITS) / DOUBTED).log()
    return torch.cat((moved, unmoved), dim=1).repeat_interleave(PHASES, dim=1)


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what a network with these settings asks of its pictures."""
    del settings
    return BETWEEN


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Constructor settings of the FrameInterpolator whose tensors have these names and shapes; None if it is none."""
    needed = ("fuse", "move", "weigh", "add", "body.down1", "body.down2")
    if any(f"{layer}.weight" not in shapes for layer in needed):
        return None
    return unet_settings(shapes, "body")
