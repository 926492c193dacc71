"""Uformer: one image in, the same restored; a U of window attention and depthwise convolutions.

One architecture for motion deblurring and for denoising of photographs, in three sizes (B, S, T).

Source:
    Wang, Cun, Bao, Zhou, Liu, Li, "Uformer: A General U-Shaped Transformer for Image Restoration", CVPR 2022,
    arXiv 2106.03106. Tensor names are the published ones, one misspelling included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.window_attention import (
    DISTANCES,
    SHIFT,
    WINDOW,
    attend,
    join_windows,
    relative_positions,
    split_windows,
)
from vsrestore.networks.traits import Traits

LEVELS = 4  # halvings between the frame and the bottleneck
GRID = WINDOW * 2**LEVELS  # both sides must be a multiple of it, so that every level falls into windows
BIASES = DISTANCES**2
DERIVED = ("relative_position_index",)

DEPTHS = (1, 2, 8, 8, 2, 8, 8, 2, 1)
HEADS = (1, 2, 4, 8, 16, 16, 8, 4, 2)


class WindowAttention(nn.Module):
    """Attention among the tokens of each window, with a learned bias for every distance.

    Args:
        width: channels of a token.
        heads: of attention.
    """

    distances: Tensor

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv = nn.ModuleDict({"to_q": nn.Linear(width, width), "to_kv": nn.Linear(width, 2 * width)})
        self.proj = nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(BIASES, heads))
        self.register_buffer("distances", relative_positions(), persistent=False)

    def forward(self, windows: Tensor, seams: bool) -> Tensor:
        """Attend within windows (N, rows, columns, 64, C); the same shape.

        Args:
            windows: of one image each row, from top left to bottom right.
            seams: the image was rolled, so windows of the last row and column hold what lies apart.
        """
        query, (key, value) = self.qkv["to_q"](windows), self.qkv["to_kv"](windows).chunk(2, dim=-1)
        bias = self.relative_position_bias_table[self.distances].permute(2, 0, 1)
        return cast("Tensor", self.proj(attend(query, key, value, bias, seams)))


class LeFF(nn.Module):
    """Feed-forward layer with a depthwise convolution between its two linear ones.

    Args:
        width: channels of a token.
        hidden: channels between the linear layers.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear1 = nn.Sequential(nn.Linear(width, hidden), nn.GELU())
        self.dwconv = nn.Sequential(nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden), nn.GELU())
        self.linear2 = nn.Sequential(nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (N, H, W, C) into as many."""
        return cast("Tensor", self.linear2(tokens(self.dwconv(image(self.linear1(x))))))


class Block(nn.Module):
    """Window attention and feed-forward layer, each after a norm and around it a skip.

    Args:
        width: channels of a token.
        heads: of attention.
        hidden: channels inside the feed-forward layer.
        shifted: windows lie half a window further down and right.
        modulated: a learned pattern is added to every window.
    """

    def __init__(self, width: int, heads: int, hidden: int, shifted: bool, modulated: bool) -> None:
        super().__init__()
        self.shift = SHIFT if shifted else 0
        self.modulator = nn.Embedding(WINDOW**2, width) if modulated else None
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = LeFF(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (N, H, W, C) into as many."""
        x = x + self._attended(self.norm1(x))
        return x + cast("Tensor", self.mlp(self.norm2(x)))

    def _attended(self, x: Tensor) -> Tensor:
        if self.shift:
            x = x.roll((-self.shift, -self.shift), dims=(1, 2))
        windows = split_windows(x[:, None])
        if self.modulator is not None:
            windows = windows + self.modulator.weight
        windows = self.attn(windows, seams=self.shift > 0)
        x = join_windows(windows)[:, 0]
        return x.roll((self.shift, self.shift), dims=(1, 2)) if self.shift else x


class Stage(nn.Module):
    """Blocks of one level of the U, every second one shifted where ``shifts``."""

    def __init__(self, width: int, heads: int, depth: int, ratio: int, modulated: bool, shifts: bool = True) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(Block(width, heads, ratio * width, shifts and i % 2 == 1, modulated) for i in range(depth))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (N, H, W, C) into as many."""
        return cast("Tensor", self.blocks(x))


class Uformer(nn.Module):
    """The whole network.

    Args:
        width: channels of the first level; every further one has twice as many.
        depths: blocks of the four encoder levels, the bottleneck and the four decoder levels.
        heads: of attention, likewise.
        ratio: of the feed-forward layers' width to that of the tokens.
        modulated: decoder blocks add a learned pattern to their windows.
        bottleneck_shift: the second block of the bottleneck is shifted. The published test scripts build the network
            for 128 pixels, which switches that shift off; the GoPro weights were trained with it.
        square: frames are padded to a square, as the published scripts do; else each side by itself, which is faster
            for wide frames and changes the picture a little.
    """

    def __init__(
        self,
        width: int = 32,
        depths: Sequence[int] = DEPTHS,
        heads: Sequence[int] = HEADS,
        ratio: int = 4,
        modulated: bool = True,
        bottleneck_shift: bool = False,
        square: bool = True,
    ) -> None:
        super().__init__()
        self.square = square
        self.input_proj = nn.ModuleDict({"proj": nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU())})
        for level in range(LEVELS):
            c = width * 2**level
            self.add_module(f"encoderlayer_{level}", Stage(c, heads[level], depths[level], ratio, False))
            self.add_module(f"dowsample_{level}", _resample("conv", nn.Conv2d(c, 2 * c, 4, stride=2, padding=1)))
        deepest = width * 2**LEVELS
        self.conv = Stage(deepest, heads[LEVELS], depths[LEVELS], ratio, False, bottleneck_shift)
        c = deepest
        for level in range(LEVELS):
            skipped = deepest // 2 ** (level + 1)
            self.add_module(f"upsample_{level}", _resample("deconv", nn.ConvTranspose2d(c, skipped, 2, stride=2)))
            c, at = 2 * skipped, LEVELS + 1 + level
            self.add_module(f"decoderlayer_{level}", Stage(c, heads[at], depths[at], ratio, modulated))
        self.output_proj = nn.ModuleDict({"proj": nn.Sequential(nn.Conv2d(c, 3, 3, padding=1))})

    def forward(self, images: Tensor) -> Tensor:
        """Restore images (N, 3, H, W) in [0, 1], float32 whatever the dtype of the weights; the same shape."""
        height, width = images.shape[-2:]
        padded_height, padded_width = (-(-side // GRID) * GRID for side in (height, width))
        if self.square:
            padded_height = padded_width = max(padded_height, padded_width)
        top, left = (padded_height - height) // 2, (padded_width - width) // 2
        padded = F.pad(images, (left, padded_width - width - left, top, padded_height - height - top))
        residual = self.residual(padded)[..., top : top + height, left : left + width]
        return images + residual.to(images.dtype)

    def residual(self, images: Tensor) -> Tensor:
        """Return what is added to images (N, 3, H, W) whose sides are multiples of 128; in the weights' dtype."""
        x = tokens(self.input_proj["proj"](images.to(next(self.parameters()).dtype)))
        skips = []
        for level in range(LEVELS):
            skips.append(self._stage("encoderlayer", level)(x))
            x = tokens(self._stage("dowsample", level)["conv"](image(skips[-1])))
        x = self.conv(x)
        for level in range(LEVELS):
            up = tokens(self._stage("upsample", level)["deconv"](image(x)))
            x = self._stage("decoderlayer", level)(torch.cat((up, skips.pop()), dim=-1))
        return cast("Tensor", self.output_proj["proj"](image(x)))

    def _stage(self, name: str, level: int) -> Any:
        return getattr(self, f"{name}_{level}")


def image(x: Tensor) -> Tensor:
    """View tokens (N, H, W, C) as an image (N, C, H, W)."""
    return x.permute(0, 3, 1, 2)


def tokens(x: Tensor) -> Tensor:
    """View an image (N, C, H, W) as tokens (N, H, W, C)."""
    return x.permute(0, 2, 3, 1).contiguous()


def _resample(name: str, conv: nn.Module) -> nn.ModuleDict:
    return nn.ModuleDict({name: nn.Sequential(conv)})


def describe(_settings: Mapping[str, Any]) -> Traits:
    """Return what the network asks of its pictures; it pads by itself: they lie in the middle of a black square."""
    return Traits(tile_overlap=64, float32_frames=True)


def recognise(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return constructor settings read off published names and shapes; None if it is no Uformer."""
    first, table = "input_proj.proj.0.weight", "encoderlayer_0.blocks.0.attn.relative_position_bias_table"
    if any(name not in shapes for name in (first, table, "dowsample_0.conv.0.weight")) or shapes[table][0] != BIASES:
        return None
    encoder, decoder = ([f"{side}layer_{level}" for level in range(LEVELS)] for side in ("encoder", "decoder"))
    stages = [*encoder, "conv", *decoder]
    width = shapes[first][0]
    return {
        "width": width,
        "depths": tuple(_count_blocks(shapes, stage) for stage in stages),
        "heads": tuple(shapes[f"{stage}.blocks.0.attn.relative_position_bias_table"][1] for stage in stages),
        "ratio": shapes["encoderlayer_0.blocks.0.mlp.linear1.0.weight"][0] // width,
        "modulated": "decoderlayer_0.blocks.0.modulator.weight" in shapes,
    }


def _count_blocks(shapes: Mapping[str, tuple[int, ...]], stage: str) -> int:
    return sum(re.fullmatch(rf"{stage}\.blocks\.\d+\.norm1\.weight", name) is not None for name in shapes)
