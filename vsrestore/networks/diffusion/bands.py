"""The VAE's layers over large pictures, a band of rows at a time: what only a convolution sees is never there whole.

As diffusers computes a residual block, its input, the same normalised and the same activated are there at once, each
with up to 256 channels in the size of the picture. Here its input and one result are, and the output takes the place
of the input. What it gives differs in rounding alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VALUES = 1 << 22
"""Of a band, about: 16 MiB in float32."""
LEAST_ROWS = 32
"""Of a band: at each edge within the picture, one more is computed and dropped."""

Rows = Callable[[int, int], Tensor]
"""Takes the first and the end of rows of a picture, and returns them, (1, C, rows, W)."""


class Block(nn.Module):
    """A residual block, its layers and their names those of diffusers."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.norm1, self.conv1, self.norm2, self.conv2 = block.norm1, block.conv1, block.norm2, block.conv2
        self.conv_shortcut = block.conv_shortcut

    def forward(self, x: Tensor, temb: None = None) -> Tensor:
        """Return what the block makes of ``x`` (N, C, H, W), which is overwritten."""
        hidden = _empty(x, self.conv1.out_channels)
        for picture, made in zip(x.split(1), hidden.split(1), strict=True):
            _convolve(_activated(picture, self.norm1), self.conv1, made, torch.Tensor.copy_)
        base = self._base(x)
        for picture, made in zip(hidden.split(1), base.split(1), strict=True):
            _convolve(_activated(picture, self.norm2), self.conv2, made, torch.Tensor.add_)
        return base

    def _base(self, x: Tensor) -> Tensor:
        """Return what the block adds to: where ``x`` is, if it fits there."""
        shortcut = self.conv_shortcut
        if shortcut is None:
            return x
        fits = shortcut.out_channels <= shortcut.in_channels
        base = x[:, : shortcut.out_channels] if fits else _empty(x, shortcut.out_channels)
        for first, end in _bands(x):
            base[:, :, first:end] = shortcut(x[:, :, first:end])
        return base


class Upsampler(nn.Module):
    """What doubles the size and convolves, its layer and the name of it those of diffusers."""

    def __init__(self, upsampler: Any) -> None:
        super().__init__()
        self.conv = upsampler.conv

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, 2 H, 2 W) of (N, C, H, W)."""
        doubled = _empty(x, self.conv.out_channels, 2)
        for picture, made in zip(x.split(1), doubled.split(1), strict=True):

            def rows(first: int, end: int, picture: Tensor = picture) -> Tensor:
                doubled_rows = F.interpolate(picture[:, :, first // 2 : (end + 1) // 2], scale_factor=2.0)
                return doubled_rows[:, :, first % 2 : first % 2 + end - first]

            _convolve(rows, self.conv, made, torch.Tensor.copy_)
        return doubled


class ActivatedInPlace(nn.GroupNorm):
    """The last norm with the activation after it, in the place of what it is given."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` (N, C, H, W), which is overwritten."""
        for picture in x.split(1):
            rows = _activated(picture, self)
            for first, end in _bands(picture):
                picture[:, :, first:end] = rows(first, end)
        return x


def in_bands(coder: nn.Module) -> nn.Module:
    """Return an encoder or a decoder of diffusers' VAE that computes so; weights keep names and places."""
    for module in list(coder.modules()):
        for name, child in module.named_children():
            if type(child).__name__ == "ResnetBlock2D":
                setattr(module, name, Block(child))
            elif type(child).__name__ == "Upsample2D":
                setattr(module, name, Upsampler(child))
    coder.get_submodule("conv_norm_out").__class__ = ActivatedInPlace
    coder.set_submodule("conv_act", nn.Identity())
    return coder


def _activated(picture: Tensor, norm: nn.GroupNorm) -> Rows:
    """Return a function for the rows of a picture (1, C, H, W), normalised by what all of it holds, and activated."""
    mean, variance = _statistics(picture, norm)
    weight, bias = (tensor.float() for tensor in (norm.weight, norm.bias))

    def rows(first: int, end: int) -> Tensor:
        normed = F.batch_norm(_float32_rows(picture, first, end), mean, variance, weight, bias, eps=norm.eps)
        return F.silu(normed, inplace=True).to(picture.dtype)

    return rows


def _statistics(picture: Tensor, norm: nn.GroupNorm) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance that every channel of a picture is normalised by, (C,) each, float32."""
    height = picture.shape[2]
    shares = picture.new_tensor([(end - first) / height for first, end in _bands(picture)], dtype=torch.float32)
    of_bands = [_group_statistics(_float32_rows(picture, first, end), norm) for first, end in _bands(picture)]
    means, variances = (torch.stack(values, dim=1) for values in zip(*of_bands, strict=True))
    mean = (shares * means).sum(1)
    variance = (shares * (variances + (means - mean[:, None]).square())).sum(1)
    size = picture.shape[1] // norm.num_groups
    return mean.repeat_interleave(size), variance.repeat_interleave(size)


def _group_statistics(rows: Tensor, norm: nn.GroupNorm) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance of every group, (groups,) each."""
    _, channels, height, width = rows.shape
    _, mean, scale = torch.native_group_norm(rows, None, None, 1, channels, height * width, norm.num_groups, norm.eps)
    return mean[0], (scale[0] ** -2 - norm.eps).clamp_(min=0)


def _convolve(rows: Rows, conv: nn.Conv2d, made: Tensor, put: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Convolve a picture, 3x3, given by its rows, and put the result into ``made`` (1, C, H, W)."""
    height = made.shape[2]
    for first, end in _bands(made, conv.in_channels):
        above, below = max(first - 1, 0), min(end + 1, height)
        put(made[:, :, first:end], conv(rows(above, below))[:, :, first - above : end - above])


def _bands(picture: Tensor, channels: int = 0) -> Iterator[tuple[int, int]]:
    """Return the first and the end of the rows of each band of a picture (N, C, H, W) that is seen with channels."""
    height, width = picture.shape[2:]
    rows = max(VALUES // (max(channels, picture.shape[1]) * width), LEAST_ROWS)
    for first in range(0, height, rows):
        yield first, min(first + rows, height)


def _empty(x: Tensor, channels: int, scale: int = 1) -> Tensor:
    """Return memory for a result (N, channels, scale H, scale W), laid out as ``x`` is."""
    size = (len(x), channels, *(scale * edge for edge in x.shape[2:]))
    return torch.empty(size, dtype=x.dtype, device=x.device, memory_format=_layout(x))


def _float32_rows(picture: Tensor, first: int, end: int) -> Tensor:
    """Return rows of a picture, float32, without gaps between them."""
    return picture[:, :, first:end].float().contiguous(memory_format=_layout(picture))


def _layout(x: Tensor) -> torch.memory_format:
    return torch.channels_last if x.stride(1) == 1 else torch.contiguous_format
