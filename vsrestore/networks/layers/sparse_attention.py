"""Attention that looks beyond its own window and frame only in windows that have a hole.

Source:
    Zhou, Li, Chan, Loy, "ProPainter: Improving Propagation and Transformer for Video Inpainting", ICCV 2023, arXiv
    2309.03897, section 3.3.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROWS, COLUMNS = 5, 9  # of a window
SHIFTS = ((3, 5), (3, -5), (-3, 5), (-3, -5))  # of the windows that surround one
POOL = 4  # edge of the blocks that a pooled token stands for
BYTES_AT_ONCE = 2**27  # of keys of windows with a hole


class SparseWindowAttention(nn.Module):
    """Attention within windows of 5 x 9 tokens.

    Tokens of a window without a hole attend to each other, every frame alone. With a hole they attend, over all frames,
    to the tokens of the window, to those around it (the tokens' edges joined), and to pooled ones of the whole frame.

    Args:
        channels: length of a token.
        heads: of the attention.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.proj = (nn.Linear(channels, channels) for _ in range(4))
        self.pool_layer = nn.Conv2d(channels, channels, POOL, POOL, groups=channels)

    def forward(self, tokens: Tensor, holed: Tensor, frames: range, wanted: int) -> Tensor:
        """Attend.

        Args:
            tokens: of all frames, (T, fh, fw, C).
            holed: (windows down, windows across), bool: which windows have a hole.
            frames: frames that windows with a hole attend to.
            wanted: the first frames whose result is asked for.

        Returns:
            (wanted, fh, fw, C).

        """
        rows, columns = tokens.shape[1:3]
        x = F.pad(tokens, (0, 0, 0, -columns % COLUMNS, 0, -rows % ROWS))
        query, key, value = self.query(x[:wanted]), self.key(x), self.value(x)
        windows = split(query)
        result = torch.empty_like(windows)
        flat = holed.flatten()
        plain, masked = (marked.nonzero()[:, 0] for marked in (~flat, flat))
        if len(plain):
            parts = (part[:, plain].flatten(0, 1) for part in (windows, split(key[:wanted]), split(value[:wanted])))
            result[:, plain] = self._attended(*parts).unflatten(0, (wanted, len(plain)))
        if len(masked):
            every = slice(frames.start, frames.stop, frames.step)
            pooled = self._pooled(x[every])
            around = self.key(pooled), self.value(pooled)
            result[:, masked] = self._across(windows, (key[every], value[every]), around, masked)
        # Of a tensor with gaps torch would make a product per row, and copy the weight for each.
        return self.proj(join(result, x.shape[1:3])[:, :rows, :columns].contiguous())

    def _pooled(self, tokens: Tensor) -> Tensor:
        """Pool tokens (T, H, W, C) to (T, P, C)."""
        return self.pool_layer(tokens.permute(0, 3, 1, 2)).flatten(2).transpose(1, 2)

    def _across(
        self, windows: Tensor, states: tuple[Tensor, Tensor], pooled: tuple[Tensor, Tensor], masked: Tensor
    ) -> Tensor:
        """Attend over frames in some windows.

        Args:
            windows: queries of all windows, (T, windows, 45, C).
            states: keys and values of the frames that are seen, (S, H, W, C).
            pooled: likewise, (S, P, C).
            masked: numbers of the windows.

        Returns:
            (T, len(masked), 45, C).

        """
        count, (height, width, channels) = len(states[0]), states[0].shape[1:]
        places = surroundings(height, width, masked.device)
        size = windows.element_size() * count * (places.shape[1] + pooled[0].shape[1]) * channels
        parts = []
        for some in masked.split(max(BYTES_AT_ONCE // size, 1)):
            queries = windows[:, some].transpose(0, 1).flatten(1, 2)
            known = (
                torch.cat((all_of.flatten(1, 2)[:, places[some]], few[:, None].expand(-1, len(some), -1, -1)), 2)
                .transpose(0, 1)
                .flatten(1, 2)
                for all_of, few in zip(states, pooled, strict=True)
            )
            parts.append(self._attended(queries, *known).unflatten(1, (len(windows), -1)).transpose(0, 1))
        return torch.cat(parts, 1)

    def _attended(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend from (B, L, C) to (B, S, C)."""
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (query, key, value))
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def split(tokens: Tensor) -> Tensor:
    """Cut tokens (T, H, W, C) into windows, row by row: (T, windows, 45, C)."""
    cut = tokens.unflatten(2, (-1, COLUMNS)).unflatten(1, (-1, ROWS))
    return cut.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def join(windows: Tensor, size: torch.Size) -> Tensor:
    """Put windows (T, windows, 45, C) together again to tokens (T, H, W, C) of a size (H, W)."""
    down, across = size[0] // ROWS, size[1] // COLUMNS
    grid = windows.unflatten(2, (ROWS, COLUMNS)).unflatten(1, (down, across))
    return grid.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def with_holes(masks: Tensor) -> Tensor:
    """Tell which windows have a hole in any frame; masks (T, 1, fh, fw) give (windows down, windows across), bool."""
    rows, columns = masks.shape[-2:]
    padded = F.pad(masks, (0, -columns % COLUMNS, 0, -rows % ROWS))
    return F.max_pool2d(padded, (ROWS, COLUMNS)).sum(0)[0] > 0


@lru_cache(maxsize=8)
def surroundings(height: int, width: int, device: torch.device) -> Tensor:
    """Return the places of the 45 tokens of every window and of the 148 around it, (windows, 193).

    Around it lie four windows, moved by `SHIFTS`, less what of each lies in the window itself; a place that two of them
    reach counts twice.
    """
    down, across = torch.meshgrid(torch.arange(ROWS), torch.arange(COLUMNS), indexing="ij")
    rows, columns = [down.flatten()], [across.flatten()]
    for shift_down, shift_across in SHIFTS:
        moved, aside = rows[0] + shift_down, columns[0] + shift_across
        outside = (moved < 0) | (moved >= ROWS) | (aside < 0) | (aside >= COLUMNS)
        rows.append(moved[outside])
        columns.append(aside[outside])
    tops, lefts = torch.meshgrid(torch.arange(0, height, ROWS), torch.arange(0, width, COLUMNS), indexing="ij")
    place_down = (tops.reshape(-1, 1) + torch.cat(rows)) % height
    places = place_down * width + (lefts.reshape(-1, 1) + torch.cat(columns)) % width
    return places.to(device, non_blocking=True)
