"""Noise that is a function of numbers alone: the same on every machine, whatever was asked for before."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np
import torch
from torch import Tensor


class Noise:
    """The noise of a batch of pictures, one draw after another.

    NumPy's generator is taken on every device: that of PyTorch gives other numbers on a card, and on processors that
    lack some instructions.

    Args:
        seed: of the user.
        keys: what tells pictures apart, one for each; those with the same key have the same noise.
        size: (C, h, w) of each.
        device: where it is wanted.
    """

    def __init__(self, seed: int, keys: Sequence[int], size: tuple[int, int, int], device: torch.device) -> None:
        self._seed, self._keys, self._size, self._device = seed, keys, size, device
        self._draws = count()

    def __call__(self) -> Tensor:
        """Return the next draw, (N, C, h, w), float32, standard normal."""
        draw = next(self._draws)
        made = {key: normal((self._seed, key, draw), self._size) for key in dict.fromkeys(self._keys)}
        return torch.stack([made[key] for key in self._keys]).to(self._device)


def normal(numbers: tuple[int, ...], size: tuple[int, ...]) -> Tensor:
    """Return standard normal noise, float32, that follows from whole numbers of at least 0."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(numbers)))
    return torch.from_numpy(generator.standard_normal(size, dtype=np.float32))
