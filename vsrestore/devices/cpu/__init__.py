"""All that is peculiar to networks on the processor: its threads, convolutions that suit it, its heap.

What stands here brings at least a tenth of a whole filter's time somewhere: docs/architecture.md has the table.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

from .processor import Processor
from .threads import THREADS

__all__ = ["THREADS", "Processor", "trim_heap", "tune"]

if TYPE_CHECKING:
    from torch import nn


def tune(network: nn.Module) -> nn.Module:
    """Return a network whose ordinary convolutions are computed in the way that suits their shape on the processor."""
    from torch import nn

    from .convolutions import FusedConv
    from .winograd import Winograd

    for module in network.modules():
        if type(module) is nn.Conv2d:
            module.__class__ = Winograd if Winograd.suits(module) else FusedConv
    return network


def trim_heap() -> None:
    """Have glibc give memory that was freed back to the system; other C libraries do so by themselves."""
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
