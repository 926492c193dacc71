"""Constants of networks as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def constant(values: Sequence[float], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return a few numbers as a tensor (len(values),) on the device of another one, and of its type unless told else.

    They are written there one by one: a copy from the host would wait until a card has done all that it was given.
    """
    made = like.new_empty(len(values), dtype=dtype)
    for place, value in zip(made, values, strict=True):
        place.fill_(value)
    return made
