"""The choice of a device, and who runs calls there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ...video.errors import fail
from .card import Card
from .cpu import PROCESSOR

if TYPE_CHECKING:
    import torch

ACCEPTED = re.compile(r"cpu|mps|(cuda|xpu)(:\d+)?")


class Worker(Protocol):
    """Runs the calls of networks; VapourSynth's own threads never do, for each would start threads of torch's."""

    @property
    def splits(self) -> bool:
        """Whether two halves of a call gain by running side by side."""

    def run[Result](self, call: Callable[[], Result]) -> Result:
        """Return what a call gives."""

    def side_by_side[Result](self, calls: Sequence[Callable[[], Result]]) -> list[Result]:
        """Return what several calls give, in order."""


def worker(device: torch.device, name: str) -> Worker:
    """Return who runs the calls of one engine on a device; ``name`` is that of the filter."""
    return PROCESSOR if device.type == "cpu" else Card(name)


def check(name: str, device: str | None) -> None:
    """Raise ``vs.Error`` unless ``device`` is None or a device that this machine has."""
    if device is None or device == "cpu":
        return
    if not isinstance(device, str) or not ACCEPTED.fullmatch(device):
        fail(
            name,
            f"unknown device {device!r}; accepted: 'cpu', 'cuda', 'cuda:N', 'xpu', 'mps' or None (the best there is)",
        )
    present = _present()
    kind, _, index = device.partition(":")
    if present.get(kind, 0) <= int(index or 0):
        there = ", ".join(f"{k} ({n})" if n > 1 else k for k, n in present.items() if n) or "none but the CPU"
        fail(name, f"device {device!r} is not there; this machine has: {there}; leave device out to take the best")


def pick(device: str | None) -> torch.device:
    """Return the torch device for a choice that :func:`check` has passed; None takes CUDA, then MPS, then the CPU."""
    import torch

    if device is not None:
        return torch.device(device)
    return torch.device(next(kind for kind, count in _present().items() if count))


def _present() -> dict[str, int]:
    import torch

    return {
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
        "xpu": torch.xpu.device_count() if torch.xpu.is_available() else 0,
        "cpu": 1,
    }
