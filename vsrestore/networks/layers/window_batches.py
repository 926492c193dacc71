"""Swin layers that take a few windows at a time: 8x8 pixels of a few frames each, plain or shifted by half a window.

Source:
    Liu et al., "Swin Transformer", ICCV 2021, arXiv 2103.14030; Liu et al., "Video Swin Transformer", CVPR 2022, arXiv
    2106.13230, with windows that are as long as there are frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.at_once import AtOnce
from vsrestore.networks.layers.window_attention import DISTANCES, SHIFT, WINDOW, apart, relative_positions

PIXELS = WINDOW**2  # tokens of a window in each of its frames
SIDES = DISTANCES**2  # ways in which two tokens of a frame can lie to each other
# Windows that go through a layer together: on a processor few enough to stay in its cache, else to bound memory.
AT_ONCE = AtOnce(16, 1024)  # windows


class Windows(NamedTuple):
    """Some windows of the same kind; L tokens each."""

    tokens: Tensor  # (K, L), int64: their places among all tokens
    padding: Tensor | None  # (K, L, 1), bool: which of them lie beyond the picture; None if none does


class WindowGrid:
    """How the tokens of pictures fall into windows.

    Args:
        size: of the pictures before padding: (N, D, H, W), D the frames that a window spans.
        shifted: windows lie half a window further down and right; those at the end hold what lies apart.
        device: of the tokens.

    Attributes:
        distances: row of the table of biases for every pair of tokens, (L, L), int64.
        kinds: for each kind of windows what is added to their logits, (L, L) or None, and the windows.
    """

    def __init__(self, size: Sequence[int], shifted: bool, device: torch.device) -> None:
        n, frames, self.height, self.width = size
        self.rows, self.columns = -(-self.height // WINDOW), -(-self.width // WINDOW)
        self.padded = (n, frames, self.rows * WINDOW, self.columns * WINDOW)
        self.distances = relative_positions(frames, device)
        places = torch.arange(n * frames * self.rows * self.columns * PIXELS, device=device).view(self.padded)
        self.kinds: list[tuple[Tensor | None, list[Windows]]] = []
        if not shifted:
            self.kinds.append((None, self._windows(self._cut(places))))
            return
        windows = self._cut(places.roll((-SHIFT, -SHIFT), dims=(2, 3)))
        parts = (slice(None, -1), slice(-1, None))
        for rows, columns in product(parts, parts):
            mask = apart(rows is parts[1], columns is parts[1], frames, device)
            self.kinds.append((mask, self._windows(windows[:, rows, columns])))

    def _cut(self, places: Tensor) -> Tensor:
        """Cut (N, D, H, W) into windows (N, rows, columns, L)."""
        n, frames = self.padded[:2]
        blocks = places.view(n, frames, self.rows, WINDOW, self.columns, WINDOW)
        return blocks.permute(0, 2, 4, 1, 3, 5).flatten(3)

    def _windows(self, tokens: Tensor) -> list[Windows]:
        """Divide windows (N, rows, columns, L) into as many as go through a layer together."""
        batches = tokens.flatten(0, 2).split(AT_ONCE.parts(tokens.device, 1))
        return [Windows(batch, self._padding(batch)) for batch in batches if len(batch)]

    def _padding(self, tokens: Tensor) -> Tensor | None:
        tall, wide = self.padded[2:]
        beyond = (tokens // wide % tall >= self.height) | (tokens % wide >= self.width)
        # Where there is none is not asked for on a card, which would have to be waited for.
        return beyond[..., None] if tokens.device.type != "cpu" or beyond.any() else None


class WindowAttention(nn.Module):
    """Attention among the tokens of each window, with a learned bias for every distance.

    Args:
        width: channels of a token.
        heads: of attention.
        frames: that a window spans.
    """

    def __init__(self, width: int, heads: int, frames: int) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * frames - 1) * SIDES, heads))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, windows: Tensor, bias: Tensor, queries: slice) -> Tensor:
        """Attend within windows.

        Args:
            windows: (K, L, C).
            bias: of the logits, (heads, Q, L).
            queries: the Q tokens whose result is wanted.

        Returns:
            (K, Q, C).
        """
        weights, biases = self.qkv.weight.split(self.width), self.qkv.bias.split(self.width)
        sources = (windows[:, queries], windows, windows)
        query, key, value = (self._in_heads(F.linear(*parts)) for parts in zip(sources, weights, biases, strict=True))
        head = self.width // self.heads
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias[None], scale=head**-0.5)
        return cast("Tensor", self.proj(attended[..., :head].transpose(1, 2).flatten(2)))

    def _in_heads(self, x: Tensor) -> Tensor:
        """Divide (K, L, C) into heads, (K, heads, L, C / heads); fused kernels of GPUs ask for multiples of 8."""
        x = x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return F.pad(x, (0, -x.shape[-1] % 8)) if x.is_cuda else x

    def bias(self, places: Tensor) -> Tensor:
        """Return the bias of every pair of tokens, (heads, L, L), given their rows in the table, (L, L)."""
        table = self.relative_position_bias_table.t()
        return table.index_select(1, places.flatten()).unflatten(1, places.shape)


class SwinLayer(nn.Module):
    """Window attention and two linear layers, each after a norm and with a skip around it.

    Args:
        width: channels of a token.
        heads: of attention.
        hidden: channels between the linear layers.
        frames: that a window spans.
    """

    def __init__(self, width: int, heads: int, hidden: int, frames: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, frames)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, hidden), "fc2": nn.Linear(hidden, width)})

    def forward(self, tokens: Tensor, grid: WindowGrid, queries: slice = slice(None)) -> None:
        """Refine tokens in place, a few windows at a time, so that little is held beside them.

        Args:
            tokens: all of the padded pictures of ``grid``, (R, C).
            grid: how they fall into windows.
            queries: the tokens of each window that are wanted; the others stay as they are.
        """
        bias = self.attn.bias(grid.distances)[:, queries]
        for mask, batches in grid.kinds:
            logits = bias if mask is None else bias + mask[queries].to(bias.dtype)
            for places, padding in batches:
                windows = tokens.index_select(0, places.flatten()).view(*places.shape, -1)
                refined = self._refined(windows, logits, padding, queries)
                tokens.index_copy_(0, places[:, queries].flatten(), refined.flatten(0, 1))

    def _refined(self, windows: Tensor, bias: Tensor, padding: Tensor | None, queries: slice) -> Tensor:
        """Turn windows (K, L, C) into those of their tokens that are wanted, (K, Q, C)."""
        normed = self.norm1(windows)
        if padding is not None:
            normed.masked_fill_(padding, 0)
        x = self.attn(normed, bias, queries).add_(windows[:, queries])
        hidden = F.gelu(self.mlp["fc1"](self.norm2(x)))
        return cast("Tensor", self.mlp["fc2"](hidden).add_(x))
