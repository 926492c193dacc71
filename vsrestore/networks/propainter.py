"""ProPainter's generator: what no other frame knows of a hole, made by a transformer over a window of frames.

Source:
    Zhou, Li, Chan, Loy, "ProPainter: Improving Propagation and Transformer for Video Inpainting", ICCV 2023, arXiv
    2309.03897. Tensor names are the published ones; the matrices that cut and join patches are kernels here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import STEEP, steep_lrelu
from vsrestore.networks.layers.consistency import consistent
from vsrestore.networks.layers.deform_align import BoundedDeformAlign
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.part_decoder import PartDecoder
from vsrestore.networks.layers.soft_split import (
    PADDING,
    PATCH,
    STRIDE,
    FusionFeedForward,
    SoftComposition,
    SoftSplit,
    composition_kernel,
    split_kernel,
)
from vsrestore.networks.layers.sparse_attention import SparseWindowAttention, with_holes
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.state_dict import Shapes, count_numbered
from vsrestore.networks.traits import Traits

FEATURES = 128
SCALE = 4  # pixels of a frame that one of the features stands for, each way
MULTIPLE = 8  # of height and width, as published
HEAD = 128  # channels of a head of the attention
GROUPS = 16  # of channels with offsets of their own
MAX_RESIDUE = 3.0
PASSES = ("backward_1", "forward_1")
PARITIES = 2  # frames that a block attends to are every second one, those of the next block the others
DERIVED = ("valid_ind_rolled",)
TRAITS = Traits(multiple=MULTIPLE, tiles=False, float32_frames=True)
MERGED = {10: 2, 12: 4, 14: 8, 16: 1}
"""Layer of the encoder -> groups in which it takes the features of an earlier one in again."""
WIDTHS = ((0, 5, 64), (2, 64, 64), (4, 64, 128), (6, 128, 256), (8, 256, 384))
MERGED_WIDTHS = ((10, 640, 512), (12, 768, 384), (14, 640, 256), (16, 512, FEATURES))


class Encoder(nn.Module):
    """Features of a frame alone, at a quarter of its size."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, inputs, outputs in (*WIDTHS, *MERGED_WIDTHS):
            stride = 2 if index in (0, 4) else 1
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, groups=MERGED.get(index, 1)), nn.Identity()]
        self.layers = nn.Sequential(*layers)

    def forward(self, frames: Tensor, filled: Tensor) -> Tensor:
        """Encode frames.

        Args:
            frames: masks, (N, 1, H, W), 1 in holes and else 0.
            filled: frames in [-1, 1], and what is left of their holes, (N, 4, H, W); see `ImagePropagation`.

        Returns:
            (N, 128, H / 4, W / 4).

        """
        x = channels_last(torch.cat((filled[:, :3], frames, filled[:, 3:]), 1).to(next(self.parameters()).dtype))
        earlier = x
        for index in range(0, len(self.layers), 2):
            if index in MERGED:
                x = merged(earlier, x, MERGED[index])
            x = steep_lrelu.after(self.layers[index], x)
            if index == WIDTHS[3][0]:
                earlier = x
        return x


class FeaturePropagation(nn.Module):
    """Features of a window of frames passed along the flow, backward and then forward."""

    def __init__(self) -> None:
        super().__init__()
        guides = 2 * FEATURES + 2 + 1 + 2
        self.deform_align = nn.ModuleDict(
            {name: BoundedDeformAlign(FEATURES, guides, FEATURES, GROUPS, MAX_RESIDUE) for name in PASSES}
        )
        self.backbone = nn.ModuleDict({name: _two_convolutions() for name in PASSES})
        self.fuse = _two_convolutions()

    def forward(self, features: Tensor, flow: Tensor, masks: Tensor) -> Tensor:
        """Propagate.

        Args:
            features: (L, 128, h, w).
            flow: between neighbours, there and back, (L, 4, h, w), float32, pixels of the features.
            masks: hole, and what is left of it, (L, 2, h, w).

        Returns:
            (L, 128, h, w).

        """
        beside = list(masks.to(features.dtype).split(1))
        onward, back = (list(part.split(1)) for part in (flow[:, :2], flow[:, 2:]))
        steps = list(zip(onward, back, strict=True))[:-1]
        current = features.split(1)
        backward = list(self._propagated(PASSES[0], current[::-1], steps[::-1], beside[::-1]))[::-1]
        there = [(there, here) for here, there in steps]
        forward = list(self._propagated(PASSES[1], backward, there, beside))
        joined = [torch.cat(parts, 1) for parts in zip(backward, forward, beside, strict=True)]
        return features + torch.cat([self.fuse(channels_last(x)) for x in joined])

    def _propagated(
        self, name: str, features: Sequence[Tensor], steps: Sequence[tuple[Tensor, Tensor]], masks: Sequence[Tensor]
    ) -> Iterator[Tensor]:
        """Yield the states of a pass; ``steps`` hold for each but the first the flow to the one before, and back."""
        state: Tensor | None = None
        for index, (current, mask) in enumerate(zip(features, masks, strict=True)):
            aligned = current if state is None else self._aligned(name, state, current, steps[index - 1], mask)
            state = aligned + self.backbone[name](channels_last(torch.cat((current, aligned, mask), 1)))
            yield state

    def _aligned(self, name: str, state: Tensor, current: Tensor, step: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        flow, back = step
        guides = current, flow_warp(state, flow), flow, consistent(flow, back), mask
        return self.deform_align[name](state, guides, (flow,))


class Block(nn.Module):
    """One block of the transformer."""

    def __init__(self, tokens: int, spread: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(tokens), nn.LayerNorm(tokens)
        self.attention = SparseWindowAttention(tokens, tokens // HEAD)
        self.mlp = FusionFeedForward(tokens, spread)

    def forward(self, tokens: Tensor, size: tuple[int, int], holed: Tensor, frames: range, wanted: int) -> Tensor:
        """Take tokens (T, fh, fw, C) of features of a size (h, w) to those of the first ``wanted`` frames."""
        tokens = tokens[:wanted] + self.attention(self.norm1(tokens), holed, frames, wanted)
        spread = self.mlp(self.norm2(tokens).permute(0, 3, 1, 2), size)
        return tokens + spread.permute(0, 2, 3, 1)


class ProPainter(nn.Module):
    """Fill what is left of holes in a window of frames.

    What depends on one frame alone, its features, comes from `encoder` and may be computed once for all windows. Blocks
    of pixels without a hole are not decoded, nor are frames without one; the last block of the transformer gives the
    window's frames alone.

    Args:
        tokens: length of a token.
        blocks: of the transformer.
        spread: channels of the features between the layers of a block.

    """

    def __init__(self, tokens: int = 512, blocks: int = 8, spread: int = 40) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = PartDecoder(FEATURES, 64)
        self.ss = nn.ModuleDict({"embedding": SoftSplit(FEATURES, tokens)})
        embedding, conv = SoftComposition(tokens, FEATURES), nn.Conv2d(FEATURES, FEATURES, 3, padding=1)
        self.sc = nn.ModuleDict({"embedding": embedding, "bias_conv": conv})
        self.feat_prop_module = FeaturePropagation()
        self.transformers = nn.ModuleDict({"transformer": nn.ModuleList(Block(tokens, spread) for _ in range(blocks))})

    def forward(
        self,
        frames: Tensor,
        mask: Tensor,
        filled: Tensor,
        flow: Tensor,
        features: Tensor,
        references: Tensor | None = None,
        levels: int | None = None,
    ) -> Tensor:
        """Fill holes.

        Args:
            frames: of the window, (1, L, 3, H, W) in [0, 1], float32; H and W multiples of 8.
            mask: (1, L, 1, H, W), 1 in holes and else 0.
            filled: by image propagation, with what is left of the holes, (1, L, 4, H, W).
            flow: completed ones, (1, L, 4, H, W), float32, pixels; the last one is not looked at.
            features: of the window's frames by `encoder`, (1, L, 128, H / 4, W / 4).
            references: those of frames further away, (R, 128, H / 4, W / 4); None where there are none.
            levels: the largest code of pictures whose codes are whole numbers: what is made is cut down to one of them,
                as published. None cuts nothing.

        Returns:
            (1, L, 3, H, W), float32: in holes what the network makes of them, elsewhere the frames.

        """
        local, holes = features[0], mask[0]
        small = torch.cat((holes, filled[0, :, 3:]), 1)[..., ::SCALE, ::SCALE]
        moved = F.interpolate(flow[0], scale_factor=1 / SCALE, mode="bilinear", align_corners=False) / SCALE
        dtype = next(self.parameters()).dtype
        local = self.feat_prop_module(local.to(dtype), moved, small)
        afar = local[:0] if references is None else references.to(dtype)
        composed = zip(frames[0], holes, self.transformed(local, afar, small[:, :1]), strict=True)
        return torch.stack([self._painted(*one, levels) for one in composed]).unsqueeze(0)

    def transformed(self, local: Tensor, references: Tensor, holes: Tensor) -> Tensor:
        """Let the frames of a window and others attend to each other.

        Args:
            local: features of the window's frames, propagated, (L, 128, h, w).
            references: those of others, (R, 128, h, w).
            holes: of the window's frames, (L, 1, h, w), 1 in holes and else 0.

        Returns:
            Features of the window's frames, (L, 128, h, w).

        """
        count, size = len(local), (local.shape[-2], local.shape[-1])
        everything = channels_last(torch.cat((local, references)))
        tokens = self.ss["embedding"](everything).permute(0, 2, 3, 1)
        holed = with_holes(F.max_pool2d(holes, PATCH, STRIDE, PADDING))
        blocks = cast("nn.ModuleList", self.transformers["transformer"])
        for number, block in enumerate(blocks):
            # One frame alone has no others, and attends to itself.
            frames = range(number % PARITIES, len(tokens), PARITIES) or range(1)
            wanted = count if number == len(blocks) - 1 else len(tokens)
            tokens = block(tokens, size, holed, frames, wanted)
        composed = self.sc["embedding"](tokens.permute(0, 3, 1, 2), size)
        return local + self.sc["bias_conv"](composed)

    def _painted(self, frame: Tensor, holes: Tensor, features: Tensor, levels: int | None) -> Tensor:
        """Return a frame (3, H, W) with its holes (1, H, W) painted from features (128, h, w)."""
        marked = holes[0] > 0
        if not marked.any():
            return frame
        rows, columns = (_extent(marked.any(axis)) for axis in (1, 0))
        area = (slice(None), slice(rows.start, rows.stop), slice(columns.start, columns.stop))
        made = (self.decoder(features[None], rows, columns)[0].float() + 1) / 2
        if levels is not None:
            made = (made * levels).floor() / levels
        painted = frame.clone()
        painted[area] = torch.where(marked[area[1:]], made, frame[area])
        return painted


def merged(earlier: Tensor, x: Tensor, groups: int) -> Tensor:
    """Join the channels of two features (N, C, H, W) group by group."""
    parts = (part.unflatten(1, (groups, -1)) for part in (earlier, x))
    return torch.cat(list(parts), 2).flatten(1, 2)


def _two_convolutions() -> nn.Sequential:
    inputs = 2 * FEATURES + 2
    first, second = (nn.Conv2d(count, FEATURES, 3, padding=1) for count in (inputs, FEATURES))
    return nn.Sequential(first, nn.LeakyReLU(STEEP, inplace=True), second)


def _extent(marked: Tensor) -> range:
    """Return the shortest range that holds all marked positions; there is one."""
    positions = marked.nonzero()
    return range(int(positions[0]), int(positions[-1]) + 1)


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries with the matrices that cut and join patches as kernels."""
    return {name: _kernel(name, value) for name, value in state_dict.items()}


def _kernel(name: str, value: Any) -> Any:
    if name.endswith(("ss.embedding.weight", "mlp.fc2.1.weight")):
        return split_kernel(value)
    if name.startswith("sc.embedding.") or ".mlp.fc1.0." in name:
        return composition_kernel(value)
    return value


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures."""
    return TRAITS


def recognise(shapes: Shapes) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no ProPainter."""
    embedding, blocks = "ss.embedding.weight", "transformers.transformer."
    spread = f"{blocks}0.mlp.fc1.0.weight"
    if embedding not in shapes or spread not in shapes:
        return None
    tokens = shapes[embedding][0]
    return {"tokens": tokens, "blocks": count_numbered(shapes, blocks), "spread": shapes[spread][0] // PATCH**2}
