"""Attention within windows of 8 x 8 pixels over one frame or more, with a learned bias for every distance.

Source:
    Liu et al., "Swin Transformer", ICCV 2021, arXiv 2103.14030; over several frames: Liu et al., "Video Swin
    Transformer", CVPR 2022, arXiv 2106.13230.
"""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 8
SHIFT = WINDOW // 2  # of every second layer, so that neighbouring windows learn of each other
DISTANCES = 2 * WINDOW - 1  # that two rows, or two columns, of a window can have
APART = -100.0  # added to the logit of two tokens that a roll brought together from opposite sides


def relative_positions(frames: int = 1, device: torch.device | None = None) -> Tensor:
    """Return the row of the bias table for every pair of tokens of a window, (L, L) with L = 64 * frames."""
    at = torch.arange(frames * WINDOW**2, device=device)
    positions = (at // WINDOW**2, frames), (at // WINDOW % WINDOW, WINDOW), (at % WINDOW, WINDOW)
    later, down, right = (x[:, None] - x[None, :] + count - 1 for x, count in positions)
    return (later * DISTANCES + down) * DISTANCES + right


def apart(last_row: bool, last_column: bool, frames: int, device: torch.device | None = None) -> Tensor | None:
    """Return -100 for pairs of tokens that a roll brought into one window from opposite sides, else 0; (L, L).

    Args:
        last_row: whether the windows are the lowest ones.
        last_column: whether they are the rightmost ones; None is returned where they are neither.
        frames: that a window spans.
        device: where the result lies.
    """
    if not (last_row or last_column):
        return None
    at = torch.arange(WINDOW**2, device=device)
    below, right = at // WINDOW >= SHIFT, at % WINDOW >= SHIFT
    sides = (below * int(last_row) + 2 * right * int(last_column)).repeat(frames)
    return (sides[:, None] != sides[None, :]) * APART


def split_windows(x: Tensor) -> Tensor:
    """Cut tokens (N, D, H, W, C) into windows (N, H / 8, W / 8, 64 * D, C); D frames share a window."""
    return x.unflatten(3, (-1, WINDOW)).unflatten(2, (-1, WINDOW)).permute(0, 2, 4, 1, 3, 5, 6).flatten(3, 5)


def join_windows(windows: Tensor) -> Tensor:
    """Put windows (N, H / 8, W / 8, 64 * D, C) together again, (N, D, H, W, C)."""
    x = windows.unflatten(3, (-1, WINDOW, WINDOW)).permute(0, 3, 1, 4, 2, 5, 6)
    return x.flatten(4, 5).flatten(2, 3)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, rolled: bool) -> Tensor:
    """Attend within windows.

    Args:
        query: windows (N, rows, columns, L, C), those of one picture in its order.
        key: likewise.
        value: likewise.
        bias: of the logits, (heads, L, L).
        rolled: the picture was rolled by half a window, so that windows of the last row and column hold tokens from
            opposite sides, which do not attend to each other.

    Returns:
        The shape of ``query``.
    """
    if not rolled:
        return _attend(query, key, value, bias)
    attended = torch.empty_like(query)
    parts = (slice(None, -1), slice(-1, None))
    for rows, columns in product(parts, parts):
        area = (slice(None), rows, columns)
        if attended[area].numel():
            mask = apart(rows is parts[1], columns is parts[1], bias.shape[-1] // WINDOW**2, bias.device)
            masked = bias if mask is None else bias + mask.to(bias.dtype)
            attended[area] = _attend(query[area], key[area], value[area], masked)
    return attended


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Attend with a bias (heads, L, L) that all windows share."""
    q, k, v = (x.flatten(0, 2).unflatten(-1, (len(bias), -1)).transpose(1, 2) for x in (query, key, value))
    attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])
    return attended.transpose(1, 2).reshape(query.shape)
