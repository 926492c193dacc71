"""Memory for frames, used again from chunk to chunk."""

from __future__ import annotations

from collections import deque
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Buffers:
    """Lends memory for tensors, and lends it again once it has been given back.

    Args:
        spare: tensors that are kept at most.

    glibc before 2.38 seldom uses an aligned block again: it looks for some bytes more than the block that was freed
    has. Every chunk would take fresh pages, which cost several times as much as to copy the frames, and memory would
    grow.
    """

    def __init__(self, spare: int) -> None:
        self._spare: deque[Tensor] = deque(maxlen=spare)

    def lend(self, shape: Sequence[int], channels_last: bool) -> Tensor:
        """Return a float32 tensor ``shape`` (N, C, H, W) on the CPU with any values in it."""
        import torch

        size = prod(shape)
        try:
            memory = self._spare.pop()
        except IndexError:  # asked beforehand, another turn could take the last one in between
            memory = torch.empty(size)
        if memory.numel() < size:
            memory = torch.empty(size)
        n, c, h, w = shape
        return memory[:size].view(n, h, w, c).permute(0, 3, 1, 2) if channels_last else memory[:size].view(n, c, h, w)

    def give_back(self, tensor: Tensor) -> None:
        """Take back a tensor that was lent and that nobody reads any more."""
        import torch

        self._spare.append(torch.empty(0).set_(tensor.untyped_storage()))
