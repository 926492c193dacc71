"""Tensors of a whole sequence of frames, in the memory of the device or of the machine."""

from __future__ import annotations

import torch
from torch import Tensor


class Store:
    """Per-frame tensors in display order, in host memory if so asked.

    Args:
        length: number of frames.
        device: where tensors are handed out.
        host: whether they rest in host memory.
    """

    def __init__(self, length: int, device: torch.device, host: bool) -> None:
        self.device = device
        self.rest = torch.device("cpu") if host else device
        self.tensors: list[Tensor | None] = [None] * length

    def __setitem__(self, index: int, tensor: Tensor) -> None:
        """Put away the tensor of frame ``index``."""
        self.tensors[index] = tensor.to(self.rest)

    def __delitem__(self, index: int) -> None:
        """Let go of the tensor of frame ``index``."""
        self.tensors[index] = None

    def __getitem__(self, index: int) -> Tensor:
        """Hand out the tensor of frame ``index``; IndexError where none is."""
        tensor = self.tensors[index]
        if tensor is None:
            raise IndexError(f"frame {index} is not stored")
        return tensor.to(self.device)
