"""PSRT-recurrent: x4 super-resolution of a whole sequence by a transformer, forward and backward in time, twice each.

Chunks may begin at any frame and want 8 frames of context on both sides, because what a cut changes dies away by 5 dB a
frame only.

A pixel of the input takes 6 kB while a trunk runs and 480 bytes per frame of the chunk, half of both in half precision,
and 192 bytes per frame that is kept.

Source:
    Shi, Gu, Xie, Wang, Yang, Dong, "Rethinking Alignment in Video Super-Resolution Transformers", NeurIPS 2022, arXiv
    2207.08494. Tensor names are the published ones, but for the flow and the enlargement, which other networks share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from vsrestore.networks import basicvsrpp, spynet
from vsrestore.networks.basicvsrpp import BRANCHES, Step, steps
from vsrestore.networks.layers.float32 import Float32
from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.patch_align import patch_align
from vsrestore.networks.layers.store import Store
from vsrestore.networks.layers.upsample import FourfoldTail, enlarge
from vsrestore.networks.layers.warp import flow_warp
from vsrestore.networks.layers.window_batches import PIXELS, SIDES, SwinLayer, WindowGrid
from vsrestore.networks.spynet import SPyNet
from vsrestore.networks.state_dict import count_numbered
from vsrestore.networks.traits import Traits

FRAMES = 3  # that go through a trunk together: the one before, the present one, the one before that
PRESENT = 1  # which of them leaves it
SCALE = 4
SMALLEST = spynet.MULTIPLE + 1  # height and width that the flow needs; the published network was run on 64 and more
TILE_GRID = 8  # where windows of attention and aligned blocks begin
MARGIN = 16  # pixels on both sides of a tile, from which on the cut is hard to see
TAIL_WIDTH = 64
TAIL_REACH = 3  # pixels beyond a strip that its enlargement depends on
TAIL_PIXELS = 2**15  # enlarged together; each takes some 12 kB in float32
UNUSED = re.compile(r"patch_align\.\w+\.(conv_first|conv_first_feat|conv_before_upsample)\.(weight|bias)")
DERIVED = ("spynet.mean", "spynet.std", "relative_position_index")

Grids = Sequence[WindowGrid]
"""The plain one and the shifted one."""


class ExactFlow(Float32, SPyNet):
    """SPyNet that stays in float32 whatever the rest is turned into: a flow rounded otherwise moves whole blocks."""


class Group(nn.Module):
    """Swin layers, every second one shifted, and a convolution, with a skip around all.

    Args:
        channels: of the features.
        layers: number of Swin layers.
        heads: of their attention.
        hidden: channels between their linear layers.
    """

    def __init__(self, channels: int, layers: int, heads: int, hidden: int) -> None:
        super().__init__()
        blocks = nn.ModuleList(SwinLayer(channels, heads, hidden, FRAMES) for _ in range(layers))
        self.residual_group = nn.ModuleDict({"blocks": blocks})
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, grids: Grids, only: int | None = None) -> Tensor:
        """Refine features.

        Args:
            x: (N, D, H, W, C).
            grids: of its size.
            only: the frame of the D that is wanted (default: all).

        Returns:
            (N, D or 1, H, W, C).
        """
        height, width = x.shape[2:4]
        tall, wide = grids[0].padded[2:]
        padded = nn.functional.pad(x, (0, 0, 0, wide - width, 0, tall - height))
        tokens = padded.flatten(0, 3)
        wanted = slice(None) if only is None else slice(only, only + 1)
        queries = slice(None) if only is None else slice(only * PIXELS, (only + 1) * PIXELS)
        blocks = list(cast("nn.ModuleList", self.residual_group["blocks"]))
        for index, block in enumerate(blocks):
            block(tokens, grids[index % 2], queries if block is blocks[-1] else slice(None))
        refined = tokens.view(padded.shape)[:, wanted, :height, :width]
        convolved = as_tokens(self.conv(as_image(refined.flatten(0, 1))))
        return convolved.view(refined.shape).add_(x[:, wanted])


class Trunk(nn.Module):
    """Refine the features of a frame with the help of those of two others, aligned with it.

    Args:
        channels: of the features.
        groups: number of groups of Swin layers.
        layers: Swin layers of each group.
        heads: of their attention.
        hidden: channels between their linear layers.
    """

    def __init__(self, channels: int, groups: int, layers: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"norm": nn.LayerNorm(channels)})
        self.layers = nn.ModuleList(Group(channels, layers, heads, hidden) for _ in range(groups))
        self.norm = nn.LayerNorm(channels)
        self.conv_after_body = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, stack: Tensor, grids: Grids) -> Tensor:
        """Turn the features of three frames (N, 3, H, W, C) into new ones of the middle frame, (N, H, W, C)."""
        x = self.patch_embed["norm"](stack)
        *groups, last = self.layers
        for group in groups:
            x = group(x, grids)
        refined = self.norm(last(x, grids, only=PRESENT)[:, 0])
        return as_tokens(self.conv_after_body(as_image(refined))).add_(stack[:, PRESENT])


class PSRT(FourfoldTail):
    """Enlarge a sequence of frames fourfold, each with the help of all others.

    Features rest as tokens, (N, H, W, C).

    Args:
        channels: of the features.
        groups: groups of Swin layers of each branch.
        layers: Swin layers of each group.
        heads: of their attention.
        hidden: channels between their linear layers.
        patch: edge of the blocks that are aligned, in pixels; no shape shows it.
        cpu_cache: in sequences longer than so many frames, features, flows and enlarged frames rest in host memory;
            only matters where the network runs on another device. None: never.
    """

    def __init__(
        self,
        channels: int = 120,
        groups: int = 3,
        layers: int = 6,
        heads: int = 6,
        hidden: int = 240,
        patch: int = 8,
        cpu_cache: int | None = 100,
    ) -> None:
        super().__init__(TAIL_WIDTH)
        self.patch, self.cpu_cache = patch, cpu_cache
        self.spynet = ExactFlow()
        self.conv_first = nn.Conv2d(3, channels, 3, padding=1)
        trunks = {branch: Trunk(channels, groups, layers, heads, hidden) for branch in BRANCHES}
        self.patch_align = nn.ModuleDict(trunks)
        self.conv_before_upsample = nn.Conv2d(channels, TAIL_WIDTH, 3, padding=1)

    def forward(self, frames: Tensor, keep: range | None = None) -> Tensor:
        """Enlarge a sequence.

        One kind of features rests for every frame: each branch puts its own in the place of those it reads. The last
        branch and the pictures are made frame by frame.

        Args:
            frames: (N, T, 3, H, W) in [0, 1], RGB, float32 whatever the dtype of the weights.
            keep: consecutive frames that are wanted (default: all); the others serve as context and are not
                enlarged.

        Returns:
            (N, T or len(keep), 3, 4H, 4W), not clamped; in host memory where features rest there.

        Raises:
            ValueError: frames of less than 33 pixels, or ``keep`` outside the sequence.
        """
        n, t, _, height, width = frames.shape
        keep = range(t) if keep is None else keep
        self._check(height, width, t, keep)
        host = self.cpu_cache is not None and t > self.cpu_cache
        flows = self._flows(frames, host)
        grids = [WindowGrid((n, FRAMES, height, width), shifted, frames.device) for shifted in (False, True)]
        features = Store(t, frames.device, host)
        for index in range(t):
            frame = channels_last(frames[:, index]).to(self.conv_first.weight.dtype)
            features[index] = as_tokens(self.conv_first(frame))
        for branch in BRANCHES[:-1]:
            for index, state in self._propagate(branch, features, flows, grids, t):
                features[index] = state
        size = (n, len(keep), 3, SCALE * height, SCALE * width)
        enlarged = torch.empty(size, dtype=frames.dtype, device="cpu" if host else frames.device)
        for index, state in self._propagate(BRANCHES[-1], features, flows, grids, keep.stop):
            if index in keep:
                enlarged[:, index - keep.start] = self._enlarged(frames[:, index], state)
        return enlarged

    def _check(self, height: int, width: int, length: int, keep: range) -> None:
        if min(height, width) < SMALLEST:
            raise ValueError(f"frames are {width}x{height}; {SMALLEST} pixels each way are the least: pad them")
        if keep.step != 1 or not 0 <= keep.start < keep.stop <= length:
            raise ValueError(f"keep is {keep}; consecutive frames of 0 to {length - 1} are accepted")

    def _flows(self, frames: Tensor, host: bool) -> dict[str, Store]:
        """Return by direction the flows between frames: at i, from frame i to i + 1 and from i + 1 to i."""
        pairs = frames.shape[1] - 1
        flows = {direction: Store(pairs, frames.device, host) for direction in ("backward", "forward")}
        if pairs:
            onward, back = self.spynet.between_neighbours(frames)
            for index in range(pairs):
                flows["backward"][index], flows["forward"][index] = onward[:, index], back[:, index]
        return flows

    def _propagate(
        self, branch: str, features: Store, flows: Mapping[str, Store], grids: Grids, length: int
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield every frame's number and its features (N, H, W, C) after one branch, in the order of the branch.

        Features of a frame are read before its number is yielded and not again, so they may be replaced then.
        """
        direction = branch.partition("_")[0]
        before: list[Tensor] = []  # states of the frames just processed, latest first
        for step in steps(direction, flows[direction], length):
            state = self.patch_align[branch](self._stack(features[step.frame], before, step), grids)
            before = [state, *before[:1]]
            yield step.frame, state

    def _stack(self, present: Tensor, before: list[Tensor], step: Step) -> Tensor:
        """Return what goes through the trunk, (N, 3, H, W, C): the states before, aligned, around the present one."""
        if step.flow is None:
            return present[:, None].expand(-1, FRAMES, -1, -1, -1)
        first, second = patch_align(before[0], step.flow, self.patch), torch.zeros_like(present)
        if step.flow_before is not None:
            flow = step.flow + flow_warp(step.flow_before, step.flow)
            second = patch_align(before[1], flow, self.patch)
        return torch.stack((first, present, second), dim=1)

    def _enlarged(self, frame: Tensor, features: Tensor) -> Tensor:
        """Turn a frame (N, 3, H, W) and its features (N, H, W, C) into its picture, in strips that bound memory."""
        height, width = frame.shape[-2:]
        picture = enlarge(frame, SCALE)
        rows = max(TAIL_PIXELS // width, TAIL_REACH)
        for top in range(0, height, rows):
            bottom, above = min(top + rows, height), max(top - TAIL_REACH, 0)
            strip = self.conv_before_upsample(as_image(features[:, above : bottom + TAIL_REACH]))
            added = self.to_pixels(strip)[..., SCALE * (top - above) :, :]
            part = picture[..., SCALE * top : SCALE * bottom, :]
            part += added[..., : part.shape[-2], :]
        return picture


def as_image(x: Tensor) -> Tensor:
    """Turn tokens (N, H, W, C) into an image (N, C, H, W), laid out with channels last."""
    return channels_last(x.permute(0, 3, 1, 2))


def as_tokens(x: Tensor) -> Tensor:
    """Turn an image (N, C, H, W) into tokens (N, H, W, C)."""
    return x.permute(0, 2, 3, 1).contiguous()


def rename[Value](state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """Return the entries under our names, those of flow and enlargement; what is published but never used is left out.

    Args:
        state_dict: tensors, or their shapes, by published name, without wrappers such as ``params.``.
    """
    renamed = basicvsrpp.rename(state_dict)
    return {name: value for name, value in renamed.items() if not UNUSED.fullmatch(name)}


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures.

    Tiles on another grid would not meet, however much they overlap. Flows are float32 in any precision; with seeded
    weights on real frames the largest error, of the largest value, is 9.6e-4 in float16 (73 dB) and 6.9e-3 in bfloat16
    (55 dB).
    """
    return Traits(
        scale=SCALE,
        padding="symmetric",
        pads_to=SMALLEST,
        tile_overlap=2 * MARGIN,
        tile_grid=TILE_GRID,
        float32_frames=True,
    )


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no PSRT-recurrent."""
    trunk = f"patch_align.{BRANCHES[-1]}."
    block = f"{trunk}layers.0.residual_group.blocks."
    table, norm = f"{block}0.attn.relative_position_bias_table", f"{trunk}patch_embed.norm.weight"
    if table not in shapes or norm not in shapes or shapes[table][0] != (2 * FRAMES - 1) * SIDES:
        return None
    return {
        "channels": shapes[norm][0],
        "groups": count_numbered(shapes, f"{trunk}layers."),
        "layers": count_numbered(shapes, block),
        "heads": shapes[table][1],
        "hidden": shapes[f"{block}0.mlp.fc1.weight"][0],
    }
