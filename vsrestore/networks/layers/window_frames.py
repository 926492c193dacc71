"""Frames of many windows, ready for moving neighbours to where their content is in the centre."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import torch
from torch import Tensor

from vsrestore.networks.layers.at_once import AtOnce
from vsrestore.networks.layers.block_matching import CELL, MULTIPLE, BlockSearch, moved_phases, phases, with_border
from vsrestore.networks.layers.chroma_delay import delay_fits
from vsrestore.networks.layers.layout import pad_to_multiple
from vsrestore.networks.layers.luma import luma

CHANNELS = 3
PIXELS = AtOnce(1, 2**22)  # of the windows that are restored together
LOUDER = 10.0  # differences between aligned frames are small numbers; so much larger they reach the U-Net
SOFTER = 0.1  # and what it adds to the picture is made small again


class WindowFrames:
    """The frames of a batch, padded for block matching, and the windows into them.

    Args:
        frames: (N, T, 3, H, W) in [0, 1].
        windows: (K, W), int64: the positions in T that form each window, centre in the middle.
        compared: what of frames (F, 3, H, W) block matching compares, (F, 1, H, W) in [0, 1].

    """

    def __init__(self, frames: Tensor, windows: Tensor, compared: Callable[[Tensor], Tensor] = luma) -> None:
        self.batch, count, _, self.height, self.width = frames.shape
        self.bordered = with_border(pad_to_multiple(frames.flatten(0, 1), MULTIPLE))
        self.frames = self.bordered[..., CELL:-CELL, CELL:-CELL]
        self.search = BlockSearch(compared(self.frames))
        starts = torch.arange(self.batch, device=frames.device)[:, None, None] * count
        self.rows = (starts + windows.to(frames.device, non_blocking=True)).flatten(0, 1)
        """(N * K, W): the windows as positions in all frames of the batch."""
        self.centre = windows.shape[1] // 2
        self.columns = [column for column in range(windows.shape[1]) if column != self.centre]
        """Of the neighbours in ``rows``, from first to last."""

    @cached_property
    def delay_fits(self) -> Tensor:
        """How well every delay of the colours fits every frame, see ``chroma_delay``."""
        return delay_fits(self.frames)

    @cached_property
    def flows(self) -> Tensor:
        """Flow from every centre to its neighbours, (N * K, W - 1, 2, H / 4, W / 4), int64: all in one search."""
        neighbours = torch.cat((self.rows[:, : self.centre], self.rows[:, self.centre + 1 :]), dim=1)
        centres = self.rows[:, self.centre, None].expand_as(neighbours)
        return self.search.flow(centres.flatten(), neighbours.flatten()).unflatten(0, neighbours.shape)

    def groups(self, together: bool) -> list[slice]:
        """Return ``rows`` together, as training takes them, or few by few: in use that spares cache and memory."""
        count = len(self.rows)
        size = count if together else PIXELS.parts(self.rows.device, self.frames[0, 0].numel())
        return [slice(first, first + size) for first in range(0, count, size)]

    def phases(self, numbers: Tensor) -> Tensor:
        """Return the phases of some frames, (R, 3, 4, H / 2, W / 2)."""
        return phases(self.frames[numbers])

    def aligned(self, group: slice) -> Iterator[tuple[int, Tensor]]:
        """Return the neighbours in the windows of ``group`` (R of them), from first to last, along the motion.

        Yields:
            The column of a neighbour, and its phases for every centre, (R, 3, 4, H / 2, W / 2).

        """
        for column, flow in zip(self.columns, self.flows[group].unbind(1), strict=True):
            yield column, moved_phases(self.bordered, self.rows[group, column], flow)

    def together(self, parts: list[Tensor], scale: int = 1) -> Tensor:
        """Return results of the groups, (R, 3, scale * H, scale * W) each, as (N, K, 3, ...) without the padding."""
        whole = torch.cat(parts).unflatten(0, (self.batch, -1))
        return whole[..., : scale * self.height, : scale * self.width]
