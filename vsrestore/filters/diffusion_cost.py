"""What sampling costs, told after one measured step, and the end of it where nobody waits any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..errors import VsrestoreError
from ..video.errors import note

if TYPE_CHECKING:
    from torch import Tensor

SECONDS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
GIB = 1 << 30


class CancelledError(VsrestoreError, RuntimeError):
    """A frame that nobody waits for."""


@dataclass(frozen=True)
class Work:
    """What there is to do."""

    what: str
    """Steps, resolution and tiles, in words."""
    calls: int
    """Of the network, for a frame."""
    frames: int
    """Of the clip."""
    batch: int
    """Frames that a call sees."""


class Watch:
    """Stands around every call of the network.

    The second call of the first frames is measured (the first one loads and warms up), and what the whole clip will
    take is told in VapourSynth's log, which the command shows. No call is begun once the script is being freed.

    Args:
        name: the filter.
        work: what there is to do.

    """

    def __init__(self, name: str, work: Work) -> None:
        self._name, self._work, self._calls = name, work, 0
        self._environment = vs.get_current_environment()
        self._ended = threading.Event()
        vs.register_on_destroy(self._ended.set)

    def __call__(self, call: Callable[[], Tensor]) -> Tensor:
        """Return what a call gives.

        Raises:
            CancelledError: the script is being freed.

        """
        if self._ended.is_set():
            raise CancelledError("the script is being freed, and nobody waits for this frame any more")
        self._calls += 1
        if self._calls > 2:
            return call()
        began = time.perf_counter()
        result = call()
        _finish(result)  # after the first one, too, so that the second is measured alone
        if self._calls == min(2, self._work.calls):
            self._calls = 2
            self._tell(time.perf_counter() - began, result)
        return result

    def _tell(self, seconds: float, result: Tensor) -> None:
        work = self._work
        frame = seconds * work.calls / work.batch
        cost = f"{work.what}; a step takes {spoken(seconds)}, so a frame about {spoken(frame)} and "
        cost += f"{work.frames} frames {spoken(frame * work.frames)}, and what comes before and after the steps"
        memory = _memory(result)
        if memory is not None:
            cost += f"; {memory / GIB:.1f} GiB of memory in use at most so far"
        with self._environment.use():
            note(self._name, cost)


def spoken(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    size, unit = next((entry for entry in SECONDS if seconds >= 2 * entry[0]), SECONDS[-1])
    return f"{seconds / size:.1f} {unit}" if seconds < 10 * size else f"{seconds / size:.0f} {unit}"


def _finish(result: Tensor) -> None:
    """Wait until a device has done what it was told."""
    if result.device.type != "cpu":
        result.flatten()[:1].cpu()


def _memory(result: Tensor) -> int | None:
    """Return the most bytes in use so far, of the card or of this process; None where nobody tells."""
    import torch

    if result.device.type == "cuda":
        return torch.cuda.max_memory_allocated(result.device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10
