"""How much is computed at once, where more of it changes no value."""

from __future__ import annotations

from typing import NamedTuple

import torch


class AtOnce(NamedTuple):
    """Limits by kind of device: a processor is fast while all fits its cache, a card while it launches little."""

    processor: int
    card: int

    def parts(self, device: torch.device, size: int) -> int:
        """Return how many parts of a size, in the unit of the limits, are computed at once on a device: 1 at least."""
        return max((self.processor if device.type == "cpu" else self.card) // size, 1)
