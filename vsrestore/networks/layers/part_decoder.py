"""A decoder that paints only a part of a picture, as it would be in the whole one."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.activation import STEEP
from vsrestore.networks.layers.upsample import DoublingConv

SCALE = 4
REACH = 2  # pixels that two 3x3 convolutions see beyond one

Area = tuple[range, range]
"""Rows and columns."""


class PartDecoder(nn.ModuleList):
    """Two convolutions at twice the size, and two at four times the size, of features; then a hyperbolic tangent.

    Args:
        channels: of the features.
        middle: channels between the convolutions.
    """

    def __init__(self, channels: int, middle: int) -> None:
        activations = (nn.LeakyReLU(STEEP, inplace=True) for _ in range(3))
        last = nn.Conv2d(middle, 3, 3, padding=1)
        layers = (
            DoublingConv(channels, channels),
            nn.Conv2d(channels, middle, 3, padding=1),
            DoublingConv(middle, middle),
        )
        pairs = zip(layers, activations, strict=True)
        super().__init__([*(layer for pair in pairs for layer in pair), last, nn.Tanh()])

    def forward(self, features: Tensor, rows: range, columns: range) -> Tensor:
        """Paint the pixels of some rows and columns.

        Args:
            features: of the whole picture, (N, C, h, w).
            rows: of the picture, which is 4h high.
            columns: of the picture, which is 4w wide.

        Returns:
            (N, 3, len(rows), len(columns)) in (-1, 1).

        """
        lengths = features.shape[-2:]
        fine = self._grown((rows, columns), [4 * length for length in lengths])
        middle = self._grown(self._sources(fine, lengths, 4), [2 * length for length in lengths])
        coarse = self._sources(middle, lengths, 2)
        x = _cut(features, coarse, (range(lengths[0]), range(lengths[1])))
        x = self._convolved(range(4), doubled(x, coarse, middle, [2 * n for n in lengths]))
        x = self._convolved(range(4, 7), doubled(x, middle, fine, [4 * n for n in lengths]))
        return _cut(x, (rows, columns), fine).tanh()

    def _convolved(self, layers: range, x: Tensor) -> Tensor:
        """Run two convolutions and their activations; the first one is that of a layer which enlarges by itself."""
        enlarging, *others = (self[index] for index in layers)
        x = cast("DoublingConv", enlarging).conv(x)
        for layer in others:
            x = layer(x)
        return x

    def _grown(self, area: Area, lengths: list[int]) -> Area:
        """Return an area with what two convolutions see around it inside the picture."""
        first, second = (
            range(max(part.start - REACH, 0), min(part.stop + REACH, n)) for part, n in zip(area, lengths, strict=True)
        )
        return first, second

    def _sources(self, area: Area, lengths: torch.Size, factor: int) -> Area:
        """Return what an area of a picture ``factor`` times as large as the features takes from half of its size."""
        first, second = (_source(part, factor * n) for part, n in zip(area, lengths, strict=True))
        return first, second


def doubled(x: Tensor, area: Area, wanted: Area, lengths: list[int]) -> Tensor:
    """Enlarge a part of a picture bilinearly to a part of one twice as large, the corners of the whole ones aligned.

    Args:
        x: the part, (N, C, len(rows), len(columns)).
        area: where it lies.
        wanted: an area of the larger picture.
        lengths: height and width of the larger picture.

    """
    for axis, had, part, length in zip((2, 3), area, wanted, lengths, strict=True):
        low, share = _places(part, length)
        low, share = (low - had.start).to(x.device), share.to(x)
        upper = x.index_select(axis, (low + 1).clamp(max=x.shape[axis] - 1))
        shape = [1, 1, 1, 1]
        shape[axis] = len(part)
        x = torch.lerp(x.index_select(axis, low), upper, share.view(shape))
    return x


def _places(part: range, length: int) -> tuple[Tensor, Tensor]:
    """Return where samples of an axis of ``length`` lie in one half as long: the sample before, and how far after."""
    places = torch.arange(part.start, part.stop) * ((length // 2 - 1) / (length - 1))
    low = places.floor().clamp(max=max(length // 2 - 2, 0))
    return low.long(), places - low


def _source(part: range, length: int) -> range:
    low = _places(part, length)[0]
    return range(int(low[0]), min(int(low[-1]) + 2, length // 2))


def _cut(x: Tensor, area: Area, part: Area) -> Tensor:
    """Return an area of ``x``, which is a part of the picture."""
    (rows, columns), (down, across) = area, part
    return x[
        ...,
        rows.start - down.start : rows.stop - down.start,
        columns.start - across.start : columns.stop - across.start,
    ]
