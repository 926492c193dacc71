"""The worker of an engine whose network runs on the CPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ..buffers import Buffers
from ..worker import Work
from .threads import Threads

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Processor:
    """A ``Worker`` whose calls run in threads that all networks of the process share.

    Args:
        threads: those.
        turns: chunks whose frames are brought in and out at the same time.
        channels_last: whether frames lie in memory with channels last.
    """

    def __init__(self, threads: Threads, turns: int, channels_last: bool) -> None:
        self._threads = threads
        self._buffers = Buffers(turns)
        self._channels_last = channels_last

    @property
    def splits(self) -> bool:
        """Whether torch's threads make two equal halves."""
        return self._threads.split

    def memory(self, shape: Sequence[int], lent: bool = False) -> Tensor:  # noqa: D102
        import torch

        return self._buffers.lend(shape, self._channels_last) if lent else torch.empty(shape)

    def computed(self, works: Sequence[Work], dtype: torch.dtype) -> tuple[list[np.ndarray], bool]:  # noqa: D102
        calls = [partial(_result, work, dtype) for work in works]
        results = self._threads.side_by_side(calls) if len(calls) > 1 else [self._threads.run(calls[0])]
        if not _finite(results):
            return results, False
        inputs = [work.inputs.frames for work in works]
        if not any(np.may_share_memory(result, frames.numpy()) for result, frames in product(results, inputs)):
            self._buffers.give_back(inputs[0])  # all works of a call share it
        return results, True


def _result(work: Work, dtype: torch.dtype) -> np.ndarray:
    return work.network(work.inputs.mapped(lambda pictures: pictures.to(dtype))).float().numpy()


def _finite(results: Sequence[np.ndarray]) -> bool:
    """Tell whether no value is NaN or infinite."""
    # A sum is one pass and carries any NaN or infinity. NumPy takes it, in one thread: torch's threads would stay awake
    # afterwards beside those of ONNX Runtime.
    return all(math.isfinite(float(picture.sum())) for result in results for picture in result)
