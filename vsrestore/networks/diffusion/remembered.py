"""Keys and values of prompts, which stay the same through all steps and tiles of a picture: made once."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import torch
from torch import Tensor, nn


class Remembered(nn.Linear):
    """A linear layer that remembers what it gave for the last tensor: the very tensor, not one like it."""

    _input: Callable[[], Tensor | None] | None = None
    _output: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return what it gives for ``x`` (..., C)."""
        if torch.is_grad_enabled() or self._input is None or self._input() is not x:
            self._output = super().forward(x)
            self._input = weakref.ref(x)
        return self._output


def with_remembered_prompts[Network: nn.Module](network: Network) -> Network:
    """Return a network of diffusers whose attention to prompts remembers them; weights keep names and places."""
    for name, module in network.named_modules():
        if name.endswith(("attn2.to_k", "attn2.to_v")):
            module.__class__ = Remembered
    return network
