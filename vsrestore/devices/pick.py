"""The choice of a device, and who runs calls there."""

from __future__ import annotations

import re
import sys
from ctypes.util import find_library
from typing import TYPE_CHECKING

from ..video.errors import fail
from .card import Card, Streams
from .cpu import THREADS, Processor
from .worker import Worker

if TYPE_CHECKING:
    import torch

    from ..networks.traits import Precision, Traits

TURNS, CARD_TURNS = 2, 3
"""Chunks under way: one computed and one brought in or out; to and from a card, both take as long as that."""
DRIVER = "nvcuda" if sys.platform == "win32" else "cuda"
ACCEPTED = re.compile(r"cpu|mps|(cuda|xpu)(:\d+)?")


def turns(device: str | None) -> int:
    """Return how many chunks are brought in, computed or brought out at once; torch need not be loaded for it."""
    card = device != "cpu" if device is not None else find_library(DRIVER) is not None or sys.platform == "darwin"
    return CARD_TURNS if card else TURNS


def worker(device: torch.device, name: str, channels_last: bool, elsewhere: bool = False) -> Worker:
    """Return who runs the calls of one engine, that of the filter ``name``, on a device, or on one beside torch.

    The latter does not wait for what the processor has to do, and takes two calls at once.
    """
    import torch

    if elsewhere:
        streams = Streams(pinned=torch.cuda.is_available())
        return Card(device, name, CARD_TURNS, channels_last, streams, threads=2)
    if device.type == "cpu":
        return Processor(THREADS, TURNS, channels_last)
    return Card(device, name, CARD_TURNS, channels_last)


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

    picked = torch.device(device or next(kind for kind, count in _present().items() if count))
    if picked.type == "cuda":
        _check_kernels(picked)
    return picked


def _check_kernels(device: torch.device) -> None:
    """Raise RuntimeError if the installed torch has no kernels for a card; its own message tells nothing to do."""
    import torch

    major, minor = torch.cuda.get_device_capability(device)
    built = [int(name.partition("_")[2].rstrip("af")) for name in torch.cuda.get_arch_list()]
    if built and 10 * major + minor < min(built):
        card = f"{torch.cuda.get_device_name(device)} (compute capability {major}.{minor})"
        raise RuntimeError(
            f"{card} is too old for the installed torch {torch.__version__}, which begins at {min(built) / 10}; "
            "install one for CUDA 12.6 (pip install --index-url https://download.pytorch.org/whl/cu126 torch), "
            "or choose device='cpu'"
        )


def precision(device: torch.device, traits: Traits) -> Precision:
    """Return what a network computes in where the user has chosen nothing: on CUDA float16 costs a fraction."""
    return "float16" if device.type == "cuda" and "float16" in traits.precisions else "float32"


def computes_bfloat16(device: torch.device) -> bool:
    """Tell whether a device computes in bfloat16 itself; others imitate it, in many times the time of float32."""
    import torch

    from .cpu.convolutions import has_bfloat16

    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and has_bfloat16()


def _present() -> dict[str, int]:
    import torch

    return {
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
        "xpu": torch.xpu.device_count() if torch.xpu.is_available() else 0,
        "cpu": 1,
    }
