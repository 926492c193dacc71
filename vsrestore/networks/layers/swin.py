"""Shifted window attention over frames, and the layers of Swin U-Nets around it.

Tokens lie as (B, T, h, w, C): channels last, so that linear layers and 2-D convolutions both take them as they are.

Source:
    Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", ICCV 2021, arXiv 2103.14030;
    Liu et al., "Video Swin Transformer", CVPR 2022, arXiv 2106.13230. Tensor names are the published ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.activation import lrelu

Axes = tuple[int, int, int]
"""Frames, rows and columns."""

APART = -100.0
"""Added to the score of two tokens that a roll brought into one window from opposite sides."""
RATIO = 4  # of the width inside a feed-forward layer to that of the tokens
ALL = slice(None)


@dataclass(frozen=True)
class WindowGrid:
    """How a map of tokens falls into windows; use ``fitted``."""

    size: Axes
    """Of the map."""
    window: Axes
    shift: Axes
    """How far windows lie further down each axis; the last one there holds what lies at both ends of the map."""

    @classmethod
    def fitted(cls, size: Axes, window: Axes, shift: Axes, reduces: bool = True) -> Self:
        """Return the grid of a map.

        Args:
            size: of the map.
            window: nominal size of a window.
            shift: nominal shift; where one window spans an axis there is none.
            reduces: a window is no longer than the map; else the map is padded to one window.
        """
        fitting = tuple(min(pair) for pair in zip(size, window, strict=True)) if reduces else window
        shifts = tuple(s if n > w else 0 for n, w, s in zip(size, fitting, shift, strict=True))
        return cls(size, cast("Axes", fitting), cast("Axes", shifts))

    @property
    def counts(self) -> Axes:
        """Number of windows along each axis."""
        frames, rows, columns = (-(-n // w) for n, w in zip(self.size, self.window, strict=True))
        return frames, rows, columns

    def split(self, x: Tensor) -> Tensor:
        """Cut a map (B, *size, C) into windows (B, *counts, tokens, C), after zeros at the end of each axis."""
        missing = [n * w - s for n, w, s in zip(self.counts, self.window, self.size, strict=True)]
        if any(missing):
            x = F.pad(x, (0, 0, 0, missing[2], 0, missing[1], 0, missing[0]))
        if any(self.shift):
            x = x.roll([-s for s in self.shift], dims=(1, 2, 3))
        (t, r, c), (wt, wr, wc) = self.counts, self.window
        cut = x.reshape(len(x), t, wt, r, wr, c, wc, -1).permute(0, 1, 3, 5, 2, 4, 6, 7)
        return cut.reshape(len(x), t, r, c, wt * wr * wc, -1)

    def join(self, windows: Tensor) -> Tensor:
        """Undo ``split``."""
        (t, r, c), (wt, wr, wc) = self.counts, self.window
        x = windows.reshape(len(windows), t, r, c, wt, wr, wc, -1).permute(0, 1, 4, 2, 5, 3, 6, 7)
        x = x.reshape(len(windows), t * wt, r * wr, c * wc, -1)
        if any(self.shift):
            x = x.roll(self.shift, dims=(1, 2, 3))
        frames, rows, columns = self.size
        return x[:, :frames, :rows, :columns]

    def areas(self, like: Tensor) -> Iterator[tuple[tuple[slice, slice, slice], Tensor]]:
        """Return the areas of the grid whose windows share a mask, one window to eight areas for any size of map.

        Yields:
            What to index ``counts`` with, and the mask (tokens, tokens) of dtype and device as ``like``: ``APART`` for
            tokens that a roll brought together, which happens in the last window of a shifted axis alone, else 0.

        """
        ends = [(False, True) if shift else (False,) for shift in self.shift]
        for last in product(*ends):
            area = [self._part(axis, is_last) for axis, is_last in enumerate(last)]
            yield (area[0], area[1], area[2]), self._mask(last, like)

    def _part(self, axis: int, is_last: bool) -> slice:
        if not self.shift[axis]:
            return ALL
        return slice(-1, None) if is_last else slice(-1)

    def _mask(self, last: tuple[bool, ...], like: Tensor) -> Tensor:
        sides = torch.zeros(self.window, dtype=torch.int64, device=like.device)
        for axis, is_last in enumerate(last):
            if is_last:
                length, shift = self.window[axis], self.shift[axis]
                side = torch.arange(length, device=like.device) >= length - shift
                sides += 2**axis * side.view([-1 if a == axis else 1 for a in range(3)])
        flat = sides.flatten()
        return (flat[:, None] != flat[None, :]).to(like.dtype) * APART


class PositionBias(nn.Module):
    """Base of attention with a learned bias for every distance inside a window; holds its table at the top level.

    A window that is smaller than the nominal one takes the biases of as many first tokens of the nominal window, which
    is not where its tokens lie: so the published networks were trained.
    """

    distances: Tensor

    def __init__(self, window: Axes, heads: int) -> None:
        super().__init__()
        frames, rows, columns = (2 * length - 1 for length in window)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(frames * rows * columns, heads))
        self.register_buffer("distances", _distances(window), persistent=False)

    def bias(self, tokens: int) -> Tensor:
        """Return the bias of every pair of tokens of a window, (heads, tokens, tokens)."""
        return self.relative_position_bias_table[self.distances[:tokens, :tokens]].permute(2, 0, 1)


def _distances(window: Axes) -> Tensor:
    """Return the row of the bias table for every pair of tokens of a window."""
    at = torch.cartesian_prod(*(torch.arange(length) for length in window))
    apart = at[:, None] - at[None, :] + torch.tensor(window) - 1
    _, rows, columns = (2 * length - 1 for length in window)
    return (apart[..., 0] * rows + apart[..., 1]) * columns + apart[..., 2]


class WindowAttention(PositionBias):
    """Attention among the tokens of each window.

    Args:
        width: channels of a token.
        heads: of attention.
        window: nominal size.
        shifted: windows lie half a window further along each axis.
        reduces: windows are no longer than the map.
    """

    def __init__(self, width: int, heads: int, window: Axes, shifted: bool, reduces: bool = True) -> None:
        super().__init__(window, heads)
        self.heads, self.window, self.reduces = heads, window, reduces
        self.shift = half_of(window) if shifted else (0, 0, 0)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Attend within the windows of a map (B, T, h, w, C); the same shape."""
        _, frames, rows, columns, _ = x.shape
        grid = WindowGrid.fitted((frames, rows, columns), self.window, self.shift, self.reduces)
        qkv = self.qkv(grid.split(x))
        attended = qkv.new_empty((*qkv.shape[:-1], x.shape[-1]))
        bias = self.bias(qkv.shape[-2])
        for area, mask in grid.areas(bias):
            at = (ALL, *area)
            attended[at] = self._attend(qkv[at], bias + mask)
        return grid.join(self.proj(attended))

    def _attend(self, qkv: Tensor, bias: Tensor) -> Tensor:
        """Attend in windows (..., tokens, 3C) with a bias (heads, tokens, tokens) that all share."""
        query, key, value = (heads_of(x.flatten(0, -3), self.heads) for x in qkv.chunk(3, dim=-1))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias[None])
        return attended.transpose(1, 2).reshape(*qkv.shape[:-1], -1)


def half_of(window: Axes) -> Axes:
    """Return half a window along each axis, which shifted windows are shifted by."""
    frames, rows, columns = (length // 2 for length in window)
    return frames, rows, columns


def heads_of(x: Tensor, heads: int) -> Tensor:
    """View tokens (N, tokens, C) as (N, heads, tokens, C / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers with a GELU between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, RATIO * width)
        self.fc2 = nn.Linear(RATIO * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (..., C) into as many."""
        return cast("Tensor", self.fc2(F.gelu(self.fc1(x))))


class SwinBlock(nn.Module):
    """Window attention and a feed-forward layer, each after a norm and around it a skip.

    Args:
        width: channels of a token.
        attention: takes and gives a map of tokens (B, T, h, w, C).
        feed_forward: likewise.
    """

    def __init__(self, width: int, attention: nn.Module, feed_forward: nn.Module) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = attention
        self.norm2 = nn.LayerNorm(width)
        self.mlp = feed_forward

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (B, T, h, w, C) into as many."""
        x = x + self.attn(self.norm1(x))
        return x + cast("Tensor", self.mlp(self.norm2(x)))


class PatchMerging(nn.Module):
    """Half the size, twice the channels: a linear layer over every 2x2 tokens.

    Args:
        width: channels that come in.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (B, T, h, w, C) into (B, T, h / 2, w / 2, 2C), odd sizes after zeros at the end."""
        rows, columns = x.shape[2:4]
        if rows % 2 or columns % 2:
            x = F.pad(x, (0, 0, 0, columns % 2, 0, rows % 2))
        quarters = [x[:, :, row::2, column::2] for column, row in product((0, 1), (0, 1))]
        return cast("Tensor", self.reduction(self.norm(torch.cat(quarters, dim=-1))))


class Expansion(nn.Module):
    """Twice the size, half the channels: a pixel shuffle between two convolutions.

    Args:
        width: channels that come in.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before_conv = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.after_conv = nn.Conv2d(width // 2, width // 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (B, T, h, w, C) into (B, T, 2h, 2w, C / 2)."""
        larger = F.pixel_shuffle(self.before_conv(pictures(x)), 2)
        return tokens(self.after_conv(lrelu(larger)), len(x))


class SwinLayer(nn.Module):
    """Blocks of one level of a U-Net, every second one shifted, a convolution with a skip around all, a resampler.

    Args:
        width: channels of a token.
        depth: number of blocks.
        heads: of attention.
        window: nominal size.
        resampler: what follows, under its published name.
    """

    def __init__(self, width: int, depth: int, heads: int, window: Axes, resampler: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                SwinBlock(width, WindowAttention(width, heads, window, i % 2 == 1), FeedForward(width))
                for i in range(depth)
            )
        )
        self.last_conv = nn.Conv2d(width, width, 3, padding=1)
        self.sampling_operation = resampler

    def forward(self, x: Tensor, keep: slice = ALL) -> Tensor:
        """Turn tokens (B, T, h, w, C) into what the resampler makes of them, of the frames in ``keep`` alone."""
        deep, x = self.blocks(x)[:, keep], x[:, keep]
        return cast("Tensor", self.sampling_operation(x + tokens(self.last_conv(pictures(deep)), len(x))))


def pictures(x: Tensor) -> Tensor:
    """View tokens (B, T, h, w, C) as pictures (B * T, C, h, w)."""
    return x.flatten(0, 1).permute(0, 3, 1, 2)


def tokens(x: Tensor, batch: int) -> Tensor:
    """View pictures (B * T, C, h, w) as tokens (B, T, h, w, C)."""
    return x.permute(0, 2, 3, 1).unflatten(0, (batch, -1))
