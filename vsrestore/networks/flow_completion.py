"""ProPainter's recurrent flow completion: what moves in a hole, from what moves around it and in other frames.

Source:
    Zhou, Li, Chan, Loy, "ProPainter: Improving Propagation and Transformer for Video Inpainting", ICCV 2023, arXiv
    2309.03897, section 3.1. Tensor names are the published ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.activation import SLOPE, STEEP, steep_lrelu
from vsrestore.networks.layers.deform_align import BoundedDeformAlign
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.upsample import DoublingConv
from vsrestore.networks.state_dict import Shapes
from vsrestore.networks.traits import Traits

MULTIPLE = 8
CONTEXT = 5  # flows before and after a chunk that it sees, as published
REACH = 2  # flows between those that a convolution over time joins
GROUPS = 16  # of channels with offsets of their own
MAX_RESIDUE = 5.0
PASSES = ("backward_", "forward_")
TRAINING_ONLY = "edgeDetector."


class SpaceTimeConv(nn.Module):
    """A convolution of every flow's features, then one over time."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1))
        self.conv2 = nn.Sequential(nn.Conv2d(3 * outputs, outputs, 1))

    def forward(self, features: Iterable[Tensor]) -> Iterator[Tensor]:
        """Take features (1, inputs, H, W) of one flow after another to (1, outputs, H / stride, W / stride).

        No more of them are held than those that are joined.
        """
        spatial = (steep_lrelu.after(self.conv1[0], x) for x in features)
        for triple in _apart(spatial, REACH):
            yield steep_lrelu.after(self.conv2[0], channels_last(torch.cat(triple, 1)))


class Propagation(nn.Module):
    """Two passes over all flows, each with the two states before, aligned."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.deform_align = nn.ModuleDict(
            {name: BoundedDeformAlign(2 * channels, 3 * channels, channels, GROUPS, MAX_RESIDUE) for name in PASSES}
        )
        self.backbone = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Conv2d(inputs * channels, channels, 3, padding=1),
                    nn.LeakyReLU(SLOPE, inplace=True),
                    nn.Conv2d(channels, channels, 3, padding=1),
                )
                for name, inputs in zip(PASSES, (2, 3), strict=True)
            }
        )
        self.fusion = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, features: Sequence[Tensor], last: int) -> Iterator[Tensor]:
        """Yield what is made of the features (1, C, h, w) of all flows, in order, of the first ``last`` only."""
        backward = list(self._propagated("backward_", [(x,) for x in reversed(features)]))[::-1]
        pairs = list(zip(features, backward, strict=True))[:last]
        for (x, earlier), later in zip(pairs, self._propagated("forward_", pairs), strict=True):
            yield self.fusion(torch.cat((earlier, later), 1)) + x

    def _propagated(self, name: str, known: Sequence[tuple[Tensor, ...]]) -> Iterator[Tensor]:
        """Yield the states of a pass, given all that is known of each flow, the features first."""
        align, backbone = self.deform_align[name], self.backbone[name]
        zero = torch.zeros_like(known[0][0])
        first = second = zero
        for step, state_before in enumerate(known):
            aligned = align(torch.cat((first, second), 1), (first, state_before[0], second)) if step else zero
            state = aligned + backbone(channels_last(torch.cat((*state_before, aligned), 1)))
            first, second = state, first
            yield state


class FlowCompletion(nn.Module):
    """Complete the flows of a sequence in both directions.

    All but the passes over time works flow by flow, so that a flow of the sequence holds features of an eighth of its
    size, twice, and is otherwise gone.

    Args:
        channels: of the features that are passed along time.
        context: flows before and after those wanted that are seen.

    """

    def __init__(self, channels: int = 128, context: int = CONTEXT) -> None:
        super().__init__()
        quarter, half = channels // 4, channels // 2
        self.context = context
        self.downsample = nn.Sequential(nn.Conv2d(3, quarter, 5, 2, 2, padding_mode="replicate"))
        self.encoder1 = _every_other(SpaceTimeConv(quarter, quarter, 1), SpaceTimeConv(quarter, half, 2))
        self.encoder2 = _every_other(SpaceTimeConv(half, half, 1), SpaceTimeConv(half, channels, 2))
        self.mid_dilation = _every_other(*(nn.Conv2d(channels, channels, 3, 1, d, d) for d in (3, 2, 1)))
        self.feat_prop_module = Propagation(channels)
        self.decoder2 = _enlarging(channels, channels, half)
        self.decoder1 = _enlarging(half, half, quarter)
        self.upsample = _enlarging(quarter, quarter, 2)

    def forward(self, frames: Tensor, flow: Tensor, keep: range | None = None) -> Tensor:
        """Return the flows of a sequence with what was masked made anew.

        Args:
            frames: masks of the frames, (1, T, 1, H, W), 1 in holes and else 0; H and W multiples of 8.
            flow: those between neighbours as RAFT gives them, (1, T, 4, H, W), float32, pixels.
            keep: consecutive frames whose flows are wanted (default: all). ``context`` flows on both sides of them are
                seen.

        Returns:
            (1, T or len(keep), 4, H, W), float32: in holes the completed flow, elsewhere the given one; 0 at the last
            frame, which has no flow.

        """
        count = frames.shape[1]
        wanted = range(count) if keep is None else keep
        context = range(max(wanted.start - self.context, 0), min(wanted.stop + self.context, count - 1))
        kept = slice(wanted.start - context.start, min(wanted.stop, count - 1) - context.start)
        flows = flow[0, context.start : context.stop]
        masks = frames[0, context.start : context.stop + 1].float()
        result = torch.zeros_like(flow[:, wanted.start : wanted.stop])
        if kept.stop > kept.start:
            done = slice(0, kept.stop - kept.start)
            result[0, done, :2] = self.combined(flows[:, :2], masks[:-1], kept)
            later = slice(len(flows) - kept.stop, len(flows) - kept.start)
            result[0, done, 2:] = self.combined(flows[:, 2:].flip(0), masks[1:].flip(0), later).flip(0)
        return result

    def combined(self, flows: Tensor, masks: Tensor, keep: slice) -> Tensor:
        """Complete flows (N, 2, H, W) of one direction where masks (N, 1, H, W) are 1; (len(keep), 2, H, W)."""
        masked = flows * (1 - masks)
        predicted = torch.cat(list(self.predicted(masked, masks, keep))).float()
        return predicted * masks[keep] + masked[keep]

    def predicted(self, flows: Tensor, masks: Tensor, keep: slice) -> Iterator[Tensor]:
        """Yield what the network takes the flows ``keep`` of one direction for, masked ones given; (1, 2, H, W)."""
        masked = torch.cat((flows, masks), 1).to(next(self.parameters()).dtype)
        features, skips = self._encoded(masked, keep)
        propagated = self.feat_prop_module(features, keep.stop)
        for index, x in enumerate(propagated):
            if index >= keep.start:
                x = self.decoder2(channels_last(x)).add_(skips[index - keep.start])
                yield self.upsample(self.decoder1(x))

    def _encoded(self, masked: Tensor, keep: slice) -> tuple[list[Tensor], list[Tensor]]:
        """Return the features of all flows at an eighth of the size, and those ``keep`` at a quarter of it."""
        skips: list[Tensor] = []
        small = (steep_lrelu.after(self.downsample[0], channels_last(x)) for x in masked.split(1))
        quarter = _noted(self.encoder1[2](self.encoder1[0](small)), skips, keep)
        features = []
        for x in self.encoder2[2](self.encoder2[0](quarter)):
            for index in (0, 2, 4):
                x = steep_lrelu.after(self.mid_dilation[index], x)
            features.append(x)
        return features, skips


def _every_other(*layers: nn.Module) -> nn.Sequential:
    """Number layers as the published names do, which count the activations between them."""
    numbered: list[nn.Module] = []
    for layer in layers:
        numbered += [layer, nn.Identity()]
    return nn.Sequential(*numbered)


def _enlarging(inputs: int, middle: int, outputs: int) -> nn.Sequential:
    """Return two convolutions, the second at twice the size; activated after both, but not where a flow comes out."""
    ends = [] if outputs == 2 else [nn.LeakyReLU(STEEP, inplace=True)]
    first = nn.Conv2d(inputs, middle, 3, padding=1)
    return nn.Sequential(first, nn.LeakyReLU(STEEP, inplace=True), DoublingConv(middle, outputs), *ends)


def _apart(features: Iterable[Tensor], step: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield each of a sequence between those ``step`` before and after it; 0 beyond the ends."""
    window: deque[Tensor | None] = deque([None] * (2 * step + 1), maxlen=2 * step + 1)
    for x in chain(features, repeat(None, step)):
        window.append(x)
        middle = window[step]
        if middle is not None:
            earlier, later = (torch.zeros_like(middle) if y is None else y for y in (window[0], window[-1]))
            yield earlier, middle, later


def _noted(features: Iterable[Tensor], kept: list[Tensor], keep: slice) -> Iterator[Tensor]:
    """Pass features on, and put those ``keep`` into ``kept``."""
    for index, x in enumerate(features):
        if keep.start <= index < keep.stop:
            kept.append(x)
        yield x


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries as kernels over pictures: published ones have an axis for time, too."""
    used = {name: value for name, value in state_dict.items() if not name.startswith(TRAINING_ONLY)}
    return {name: _over_pictures(value) for name, value in used.items()}


def _over_pictures(value: Any) -> Any:
    """Return a kernel (O, I, T, h, w), or its shape, as (O, T * I, h, w): what is joined over time as channels."""
    if isinstance(value, Tensor):
        return value.transpose(1, 2).flatten(1, 2) if value.dim() == 5 else value
    return (value[0], value[1] * value[2], *value[3:]) if len(value) == 5 else value


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return Traits(multiple=MULTIPLE, padding="replicate", tiles=False, float32_frames=True)


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no flow completion."""
    first, fusion = "downsample.0.weight", "feat_prop_module.fusion.weight"
    if len(shapes.get(first, ())) != 5 or fusion not in shapes:
        return None
    return {"channels": shapes[fusion][0]}
