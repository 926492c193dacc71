"""Half precision that never shows: results are checked, and computed again in float32 where they broke."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from .descriptor import Precision

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn


class Networks:
    """One network on one device, built when it is first needed, in every precision that was needed so far.

    A float32 copy is read from the checkpoint again and not widened from the half one, whose weights are rounded.
    """

    def __init__(
        self, build: Callable[[], nn.Module], device: Callable[[], torch.device], channels_last: bool = True
    ) -> None:
        self._build = build
        self._pick = device
        self._channels_last = channels_last
        self._built: dict[Precision, nn.Module] = {}
        self._device: torch.device | None = None
        self._lock = Lock()

    @property
    def device(self) -> torch.device:
        """The device, chosen at the first frame."""
        if self._device is None:
            self._device = self._pick()
        return self._device

    def get(self, precision: Precision) -> nn.Module:
        """Return the network in evaluation mode and in ``precision``."""
        with self._lock:  # halves of a chunk ask at once
            if precision not in self._built:
                self._built[precision] = self._made(precision)
            return self._built[precision]

    def _made(self, precision: Precision) -> nn.Module:
        import torch

        from .quick_convolutions import quicken

        network = self._build().eval().requires_grad_(False)
        network = network.to(device=self.device, dtype=getattr(torch, precision))
        if precision == "float32" and self.device.type == "cpu":
            quicken(network)
        return network.to(memory_format=torch.channels_last if self._channels_last else torch.preserve_format)


def all_finite(picture: np.ndarray) -> bool:
    """Tell whether no value is NaN or infinite."""
    # A sum is one pass and carries any NaN or infinity. NumPy takes it, in one thread: torch's threads would stay awake
    # afterwards beside those of ONNX Runtime.
    return math.isfinite(float(picture.sum()))
