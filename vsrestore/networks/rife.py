"""RIFE 4.0: the frame at any time between two, along flows that lead from it to both.

Huang, Zhang, Heng, Shi, Zhou, Real-Time Intermediate Flow Estimation for Video Frame Interpolation, ECCV 2022, arXiv
2011.06294; this is model 4.0 of hzwer/Practical-RIFE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.float32 import Float32
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.state_dict import count_numbered
from vsrestore.networks.traits import Traits

CHANNELS = (192, 128, 96, 64)
CONTEXT = 16
LAYERS = 8
REDUCTIONS = (8, 4, 2, 1)
"""By how much the pictures of each block are reduced, for a scale of 1."""
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
# A motion that the second block corrects by more pixels than this, toward both frames, is searched on smaller ones.
FAR = 32
STRIDES = 4  # of the blocks' first convolutions
COARSEST_CONTEXT = 16
UNUSED = "block_tea."  # a teacher, for training


class Guess(NamedTuple):
    """What is known of a frame: flows (N, 4, H, W) in pixels, x and y toward either frame; logits (N, 1, H, W)."""

    flow: Tensor
    mask: Tensor

    def swapped(self) -> Guess:
        """Return what is known if the frames change places."""
        return Guess(torch.cat((self.flow[:, 2:], self.flow[:, :2]), dim=1), -self.mask)

    def mixed(self, other: Guess) -> Guess:
        """Return the mean of two."""
        return Guess((self.flow + other.flow) / 2, (self.mask + other.mask) / 2)

    def corrected(self, step: Guess) -> Guess:
        """Return the sum of two."""
        return Guess(self.flow + step.flow, self.mask + step.mask)


def activated(conv: nn.Module, outputs: int) -> nn.Sequential:
    """Return a convolution with a ReLU whose slope each channel learns."""
    return nn.Sequential(conv, nn.PReLU(outputs))


def convs(given: int, *widths: int, strides: Sequence[int]) -> nn.Sequential:
    """Return 3x3 convolutions of such widths and strides, each activated."""
    sizes = zip((given, *widths[:-1]), widths, strides, strict=True)
    return nn.Sequential(*(activated(nn.Conv2d(a, b, 3, stride, 1), b) for a, b, stride in sizes))


class LastConv(Float32, nn.ConvTranspose2d):
    """A transposed convolution in float32: its outcome is displacements."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return float32 for features of any type."""
        return super().forward(x.float(), output_size)


class Block(nn.Module):
    """Corrects flows and mask at one size of the pictures."""

    def __init__(self, given: int, width: int, layers: int = LAYERS) -> None:
        super().__init__()
        self.conv0 = convs(given, width // 2, width, strides=(2, 2))
        self.convblock = convs(width, *[width] * layers, strides=[1] * layers)
        self.lastconv = LastConv(width, 5, 4, 2, 1)

    def forward(self, seen: Tensor, flow: Tensor | None, reduction: float) -> Guess:
        """Return a correction, at full size.

        Args:
            seen: (N, C, H, W), what is like a picture.
            flow: (N, 4, H, W) so far, None at first.
            reduction: by how much both are reduced.

        """
        x = resized(seen, 1 / reduction)
        if flow is not None:
            x = torch.cat((x, resized(flow, 1 / reduction) / reduction), dim=1)
        x = self.conv0(channels_last(x).to(next(self.conv0.parameters()).dtype))
        x = resized(self.lastconv(self.convblock(x) + x), 2 * reduction)
        return Guess(x[:, :4] * (2 * reduction), x[:, 4:])


class DoubleConv(nn.Module):
    """Two activated convolutions, the first of which halves the size."""

    def __init__(self, given: int, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = convs(given, width, width, strides=(2, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, width, H / 2, W / 2)."""
        return self.conv2(self.conv1(x))


class Context(nn.Module):
    """Features of a frame at four sizes, moved to where the wanted frame has them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = DoubleConv(3, width)
        self.conv2 = DoubleConv(width, 2 * width)
        self.conv3 = DoubleConv(2 * width, 4 * width)
        self.conv4 = DoubleConv(4 * width, 8 * width)

    def forward(self, frame: Tensor, flow: Tensor) -> list[Tensor]:
        """Return features of half, a quarter, an eighth and a sixteenth of the size.

        Args:
            frame: (N, 3, H, W) in the dtype of the weights.
            flow: (N, 2, H, W) in pixels, from the wanted frame to this one.

        """
        moved = []
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            frame, flow = conv(frame), resized(flow, 0.5) * 0.5
            moved.append(channels_last(flow_warp(frame, flow, "border")))
        return moved


class Refinement(nn.Module):
    """A U-Net that tells what to add to a blended frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        w = 2 * width
        self.down0, self.down1 = DoubleConv(17, w), DoubleConv(2 * w, 2 * w)
        self.down2, self.down3 = DoubleConv(4 * w, 4 * w), DoubleConv(8 * w, 8 * w)
        ups = [(16 * w, 4 * w), (8 * w, 2 * w), (4 * w, w), (2 * w, w // 2)]
        self.up0, self.up1, self.up2, self.up3 = (
            activated(nn.ConvTranspose2d(given, own, 4, 2, 1), own) for given, own in ups
        )
        self.conv = nn.Conv2d(w // 2, 3, 3, 1, 1)

    def forward(self, seen: Tensor, earlier: Sequence[Tensor], later: Sequence[Tensor]) -> Tensor:
        """Return what is added, (N, 3, H, W) in (-1, 1).

        Args:
            seen: (N, 17, H, W): both frames, both moved, logits, flows.
            earlier: features of the first frame, as of ``Context``.
            later: features of the second frame.

        """
        x, skips = seen, []
        for down, *context in zip((self.down0, self.down1, self.down2, self.down3), earlier, later, strict=True):
            skips.append(down(x))
            x = torch.cat((skips[-1], *context), dim=1)
        x = self.up0(x)
        for up, skip in zip((self.up1, self.up2, self.up3), skips[2::-1], strict=True):
            x = up(torch.cat((x, skip), dim=1))
        return self.conv(x).float().sigmoid() * 2 - 1


class RIFE(nn.Module):
    """Flows from coarse to fine, the two frames moved along them and blended, and mended where ``refine``.

    Args:
        channels: of the four blocks.
        context: channels of the first features of the refinement.
        layers: convolutions of a block's body.
        scale: below 1 motion is sought on smaller pictures, which suits large ones; one of ``SCALES``.
        refine: whether the blended frame is mended.
        ensemble: whether each block also sees the frames in the other order, at twice the cost.

    """

    def __init__(
        self,
        channels: Sequence[int] = CHANNELS,
        context: int = CONTEXT,
        layers: int = LAYERS,
        scale: float = 1.0,
        refine: bool = True,
        ensemble: bool = False,
    ) -> None:
        super().__init__()
        self.reductions = [reduction / scale for reduction in REDUCTIONS]
        self.refine, self.ensemble = refine, ensemble
        self.block0, self.block1, self.block2, self.block3 = (
            Block(12 if index else 7, width, layers) for index, width in enumerate(channels)
        )
        self.contextnet, self.unet = Context(context), Refinement(context)

    def forward(self, frames: Tensor, following: Tensor, times: Tensor) -> Tensor:
        """Return the frames at times between each two, each pair by itself: a far motion decides for its own alone.

        Args:
            frames: (N, 3, H, W) in [0, 1], RGB, float32 whatever the dtype of the weights; H and W as ``describe``
                tells.
            following: those after them, the same shape.
            times: (N,) in (0, 1).

        Returns:
            (N, 3, H, W), float32, in [0, 1] as the frames are.

        """
        pairs = zip(
            frames.split(1),
            following.split(1),
            times.float().to(frames.device, non_blocking=True).split(1),
            strict=True,
        )
        return torch.cat([self._between(earlier, later, time) for earlier, later, time in pairs])

    def _between(self, earlier: Tensor, later: Tensor, time: Tensor) -> Tensor:
        guess = self.guess(earlier, later, time)
        moved = self.moved((earlier, later), guess)
        blended = torch.lerp(moved[1], moved[0], guess.mask.sigmoid())
        if not self.refine:
            return blended
        dtype, flows = self.unet.conv.weight.dtype, guess.flow.split(2, dim=1)
        frames = (channels_last(frame.to(dtype)) for frame in (earlier, later))
        contexts = [self.contextnet(frame, flow) for frame, flow in zip(frames, flows, strict=True)]
        seen = torch.cat((earlier, later, *moved, *reversed(guess)), dim=1)
        return (blended + self.unet(channels_last(seen.to(dtype)), *contexts)).clamp(0, 1)

    def guess(self, earlier: Tensor, later: Tensor, time: Tensor) -> Guess:
        """Return flows and logits of one pair (1, 3, H, W) at a time (1,)."""
        pair, reductions = (earlier, later), self.reductions
        guess = self._first(pair, time, reductions[0], self.ensemble)
        step = self._step(1, pair, time, guess, reductions[1])
        if bool(step.flow.abs().unflatten(1, (2, 2)).amax((0, 2, 3, 4)).min() > FAR):
            reductions = [2 * reduction for reduction in reductions]
            guess = self._first(pair, time, reductions[0], False)
            step = self._step(1, pair, time, guess, reductions[1])
        guess = guess.corrected(self._both(1, pair, time, guess, reductions[1], step))
        for index in (2, 3):
            step = self._step(index, pair, time, guess, reductions[index])
            guess = guess.corrected(self._both(index, pair, time, guess, reductions[index], step))
        return guess

    def _first(self, pair: Sequence[Tensor], time: Tensor, reduction: float, ensemble: bool) -> Guess:
        guess: Guess = self.block0(torch.cat((*pair, _plane(pair[0], time)), dim=1), None, reduction)
        if not ensemble:
            return guess
        return guess.mixed(self._first(pair[::-1], 1 - time, reduction, False).swapped())

    def _step(self, index: int, pair: Sequence[Tensor], time: Tensor, guess: Guess, reduction: float) -> Guess:
        """Return how a later block corrects a guess."""
        seen = torch.cat((*self.moved(pair, guess), _plane(pair[0], time), guess.mask), dim=1)
        corrected: Guess = getattr(self, f"block{index}")(seen, guess.flow, reduction)
        return corrected

    def _both(
        self, index: int, pair: Sequence[Tensor], time: Tensor, guess: Guess, reduction: float, step: Guess
    ) -> Guess:
        """Return a correction, or its mean with that of the frames in the other order."""
        if not self.ensemble:
            return step
        return step.mixed(self._step(index, pair[::-1], 1 - time, guess.swapped(), reduction).swapped())

    @staticmethod
    def moved(pair: Sequence[Tensor], guess: Guess) -> list[Tensor]:
        """Return both frames where the wanted one has what they show."""
        return [flow_warp(frame, flow, "border") for frame, flow in zip(pair, guess.flow.split(2, dim=1), strict=True)]


def resized(x: Tensor, factor: float) -> Tensor:
    """Return ``x`` (N, C, H, W) larger or smaller by a factor; a smaller one from the middle of each cell alone."""
    if factor == 1:
        return x
    size = [round(side * factor) for side in x.shape[-2:]]
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def _plane(frame: Tensor, time: Tensor) -> Tensor:
    return time.view(-1, 1, 1, 1).expand(-1, 1, *frame.shape[-2:])


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries that are used; names are those published.

    Args:
        state_dict: tensors, or their shapes, by published name, without wrappers such as ``module.``.

    """
    return {name: value for name, value in state_dict.items() if not name.startswith(UNUSED)}


def describe(settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures.

    A multiple is a pixel of the coarsest block's features, where far motion has doubled its reduction. Edges are
    repeated, which is up to 0.17 dB better than the black of vsrife 2.0.0. Flows and sampling are float32 in
    any precision.
    """
    multiple = max(round(2 * STRIDES * REDUCTIONS[0] / settings.get("scale", 1)), COARSEST_CONTEXT)
    return Traits(
        multiple=multiple, padding="replicate", tile_overlap=multiple, tile_grid=multiple, float32_frames=True
    )


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no RIFE 4.0."""
    heads = [shapes.get(f"block{index}.lastconv.weight", ()) for index in range(len(REDUCTIONS))]
    first = shapes.get("contextnet.conv1.conv1.0.weight")
    if first is None or any(head[1:2] != (5,) for head in heads):
        return None
    layers = count_numbered(shapes, "block0.convblock.")
    return {"channels": tuple(head[0] for head in heads), "context": first[0], "layers": layers}
