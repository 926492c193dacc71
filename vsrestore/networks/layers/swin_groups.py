"""Swin layers over one frame or more, and the trunk that RVRT builds of them.

Source:
    Liu et al., "Video Swin Transformer", CVPR 2022, arXiv 2106.13230; the trunk: Liang et al., "SwinIR", ICCV Workshops
    2021, arXiv 2108.10257, and "RVRT", NeurIPS 2022, arXiv 2206.02146.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.layout import channels_last
from vsrestore.networks.layers.window_attention import (
    DISTANCES,
    SHIFT,
    WINDOW,
    attend,
    join_windows,
    relative_positions,
    split_windows,
)

MLP_RATIO = 2
LAYERS = 2  # of a residual group: one with windows where they are, one with windows half a window further


class WindowAttention(nn.Module):
    """Attention among the tokens of each window.

    Args:
        channels: of a token.
        heads: of attention.
        frames: that share a window.
    """

    distances: Tensor

    def __init__(self, channels: int, heads: int, frames: int) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * frames - 1) * DISTANCES**2, heads))
        self.register_buffer("distances", relative_positions(frames), persistent=False)
        self.qkv_self = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, windows: Tensor, rolled: bool) -> Tensor:
        """Attend within windows (N, rows, columns, L, C); the same shape. ``rolled``: as for `attend`."""
        bias = self.relative_position_bias_table[self.distances].permute(2, 0, 1)
        query, key, value = self.qkv_self(windows).chunk(3, dim=-1)
        return self.proj(attend(query, key, value, bias, rolled))


class Mlp(nn.Module):
    """Two linear layers with a GELU between them.

    Args:
        channels: of a token.
        hidden: channels between the layers.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (..., C) into as many."""
        return self.fc2(F.gelu(self.fc1(x)))


class SwinLayer(nn.Module):
    """Window attention and linear layers, each after a norm and with a skip around it.

    Args:
        channels: of a token.
        heads: of attention.
        frames: that share a window.
        shifted: windows lie half a window further down and right.
    """

    def __init__(self, channels: int, heads: int, frames: int, shifted: bool) -> None:
        super().__init__()
        self.shift = SHIFT if shifted else 0
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, frames)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, MLP_RATIO * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (N, D, H, W, C) of any size into as many."""
        x = x + self._attended(self.norm1(x))
        return self.mlp(self.norm2(x)).add_(x)

    def _attended(self, x: Tensor) -> Tensor:
        """Attend within windows; what is missing to whole ones are zeros, which take part."""
        height, width = x.shape[2:4]
        x = F.pad(x, (0, 0, 0, -width % WINDOW, 0, -height % WINDOW))
        if self.shift:
            x = x.roll((-self.shift, -self.shift), dims=(2, 3))
        x = join_windows(self.attn(split_windows(x), rolled=self.shift > 0))
        if self.shift:
            x = x.roll((self.shift, self.shift), dims=(2, 3))
        return x[:, :, :height, :width]


class ResidualGroup(nn.Module):
    """Swin layers and a linear one, with a skip around all; arguments as for `SwinLayer`."""

    def __init__(self, channels: int, heads: int, frames: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(SwinLayer(channels, heads, frames, i % 2 == 1) for i in range(LAYERS)))
        self.linear = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (N, D, H, W, C) into as many."""
        return self.linear(self.layers(x)).add_(x)


class SwinTrunk(nn.Module):
    """A 3x3 convolution that sets the number of channels, then residual groups of Swin layers.

    Args:
        inputs: channels that come in.
        channels: of the groups and of the output.
        conv_groups: into which the input of the convolution is divided.
        heads: of attention.
        frames: that share a window.
        groups: number of residual groups.
    """

    def __init__(self, inputs: int, channels: int, conv_groups: int, heads: int, frames: int, groups: int) -> None:
        super().__init__()
        self.frames = frames
        self.conv = nn.Conv2d(inputs, channels, 3, padding=1, groups=conv_groups)
        self.norm_in = nn.LayerNorm(channels)
        self.groups = nn.Sequential(*(ResidualGroup(channels, heads, frames) for _ in range(groups)))
        self.norm_out = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N * frames, inputs, H, W) into features (N * frames, channels, H, W), laid out with channels last."""
        tokens = channels_last(self.conv(channels_last(x))).permute(0, 2, 3, 1).unflatten(0, (-1, self.frames))
        return self.norm_out(self.groups(self.norm_in(tokens))).flatten(0, 1).permute(0, 3, 1, 2)
