"""Transformer layers over the tokens of a few pictures, with PyTorch's tensor names.

Tokens (N, C) are those of pictures one after another, each row by row.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TokenAttention(nn.Module):
    """Attention with several heads, to a learned key and to an empty one besides (``add_bias_kv``, ``add_zero_attn``).

    Args:
        width: channels of queries, keys and values.
        heads: that share them.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.bias_k = nn.Parameter(torch.empty(1, 1, width))
        self.bias_v = nn.Parameter(torch.empty(1, 1, width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return what queries (N, width) find in keys and values (M, width), as (N, width)."""
        sources = (query, key, value)
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (F.linear(*projection) for projection in zip(sources, weights, biases, strict=True))
        k, v = (torch.cat((x, more[0], torch.zeros_like(more[0]))) for x, more in ((k, self.bias_k), (v, self.bias_v)))
        q, k, v = (x.unflatten(1, (self.heads, -1)).transpose(0, 1)[None] for x in (q, k, v))
        attended = F.scaled_dot_product_attention(q, k, v)[0]
        return self.out_proj(attended.transpose(0, 1).flatten(1))


class TokenLayer(nn.Module):
    """Attention of tokens to each other and two linear layers, each normed before and added.

    Args:
        width: channels of the tokens.
        heads: of the attention.
        hidden: channels between the linear layers.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = TokenAttention(width, heads)
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, code: Tensor | None = None, first: int = 0) -> Tensor:
        """Renew tokens.

        Args:
            tokens: (N, width).
            code: of their positions, (N, width), for queries and keys.
            first: those before it are seen and not given.

        Returns:
            (N - first, width).
        """
        normed = self.norm1(tokens)
        placed = normed if code is None else normed + code
        tokens = tokens[first:] + self.self_attn(placed[first:], placed, normed)
        return tokens + self.fed(self.norm2(tokens))

    def fed(self, tokens: Tensor) -> Tensor:
        """Return what the two linear layers make of tokens."""
        return self.linear2(F.relu(self.linear1(tokens)))


class CrossLayer(TokenLayer):
    """Attention of tokens to others and two linear layers, each added and normed afterwards."""

    def forward(self, tokens: Tensor, others: Tensor) -> Tensor:  # type: ignore[override]
        """Renew tokens (N, width) by others (M, width)."""
        tokens = self.norm1(tokens + self.self_attn(tokens, others, others))
        return self.norm2(tokens + self.fed(tokens))


def tokens_of(maps: Tensor) -> Tensor:
    """Return maps (n, C, h, w) as tokens (n * h * w, C)."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def maps_of(tokens: Tensor, like: Tensor) -> Tensor:
    """Return tokens (n * h * w, C) as maps (n, C, h, w), with the size of ``like``, channels last."""
    return tokens.unflatten(0, (-1, *like.shape[-2:])).permute(0, 3, 1, 2)
