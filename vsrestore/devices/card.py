"""What a network on a card needs: a thread and a stream that compute, and others that bring frames there and back.

While a chunk is computed, the next one is on its way up and the one before on its way down. Whoever brings a chunk
waits for its own copies alone, by events; a thread of the card's only launches.
"""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from ..video.errors import note
from .buffers import Buffers
from .graphs import CudaRecorder, Graphs
from .worker import Work

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from ..networks.inputs import Inputs


class Done:
    """Stands for streams and events where everything is done at once."""

    def record_event(self) -> Done:
        """Return an event that has happened."""
        return self

    def wait_event(self, event: object) -> None:
        """Wait for nothing."""

    def synchronize(self) -> None:
        """Wait for nothing."""


class Streams:
    """The streams of a device, which does what one of them is given in order; here of one that has none (MPS).

    Args:
        pinned: whether memory of the host is pinned, for copies that torch does not see.
    """

    def __init__(self, pinned: bool = False) -> None:
        self._pinned = pinned

    def new(self) -> Any:
        """Return a stream: ``record_event()`` and ``wait_event(event)``; an event has ``synchronize()``."""
        return Done()

    def within(self, stream: Any) -> AbstractContextManager[object]:
        """Let what is launched in a block go to a stream."""
        return nullcontext()

    def memory(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return memory of the host that copies can go on with by themselves, not used again before they have ended."""
        import torch

        return torch.empty(tuple(shape), dtype=dtype, pin_memory=self._pinned)

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Launch a copy between host and card in the stream of the block."""
        target.copy_(source)

    def shared(self, tensor: Tensor, stream: Any) -> None:
        """Keep the memory of a tensor on the card until a stream, too, is done with it."""


class CardStreams(Streams):
    """Those of CUDA and XPU. torch lends pinned memory again only after the copies that it was used for."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(pinned=True)
        import torch

        self._module: Any = torch.get_device_module(device)
        self._device = device
        # One policy (docs/cards.md): float32 is float32, and the same convolution is computed the same way every time.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False

    def new(self) -> Any:  # noqa: D102
        return self._module.Stream(device=self._device)

    def within(self, stream: Any) -> AbstractContextManager[object]:  # noqa: D102
        return self._module.stream(stream)

    def copy(self, target: Tensor, source: Tensor) -> None:  # noqa: D102
        target.copy_(source, non_blocking=True)

    def shared(self, tensor: Tensor, stream: Any) -> None:  # noqa: D102
        tensor.record_stream(stream)


class Card:
    """A ``Worker`` that computes one call after another, and copies for the others meanwhile.

    Args:
        device: the card.
        name: of the filter.
        turns: chunks whose frames are brought in and out at the same time.
        channels_last: whether the network takes pictures with channels last.
        streams: of the device; None takes torch's.
        threads: calls that are under way at once: more than one where the network itself shares the device out.
    """

    splits = False

    def __init__(
        self,
        device: torch.device,
        name: str,
        turns: int,
        channels_last: bool,
        streams: Streams | None = None,
        threads: int = 1,
    ) -> None:
        self._device = device
        self._channels_last = channels_last
        self._streams = streams or (CardStreams(device) if device.type in ("cuda", "xpu") else Streams())
        self._thread = ThreadPoolExecutor(threads, thread_name_prefix=f"vsrestore-{name}")
        self._computing = self._streams.new()
        self._wide = Buffers(turns)
        self._graphs = Graphs(CudaRecorder() if device.type == "cuda" else None)
        self._name = name
        self._copying: SimpleQueue[Any] = SimpleQueue()
        for _ in range(turns):
            self._copying.put(self._streams.new())

    def memory(self, shape: Sequence[int], lent: bool = False) -> Tensor:
        """Return a float32 tensor (N, C, H, W) on the host, planes apart: the card lays channels last."""
        import torch

        return self._streams.memory(shape, torch.float32)

    def computed(self, works: Sequence[Work], dtype: torch.dtype) -> tuple[list[np.ndarray], bool]:  # noqa: D102
        made = [self._brought(work, dtype) for work in works]
        return [result for result, _ in made], all(math.isfinite(total) for _, total in made)

    def _brought(self, work: Work, dtype: torch.dtype) -> tuple[np.ndarray, float]:
        """Return what a work gives, on the host, and the sum of it all."""
        import torch

        copying = self._copying.get()
        try:
            with torch.inference_mode(), self._streams.within(copying):
                there = work.inputs.mapped(lambda pictures: self._sent(pictures, dtype))
                sent = copying.record_event()
                *made, event = self._thread.submit(self._launched, there, sent, work).result()
                for failure in self._graphs.failures():
                    note(self._name, failure)
                copying.wait_event(event)
                result, total = (self._fetched(tensor, copying) for tensor in made)
                copying.record_event().synchronize()
                return self._widened(result), float(total)
        finally:
            self._copying.put(copying)

    def _sent(self, pictures: Tensor, dtype: torch.dtype) -> Tensor:
        """Launch the way of pictures to the card, where they get the type and the layout that the network takes."""
        import torch

        there = pictures.new_empty(pictures.shape, device=self._device)
        self._streams.copy(there, pictures)
        layout = torch.channels_last if self._channels_last else torch.contiguous_format
        there = there.to(dtype, memory_format=layout)
        self._streams.shared(there, self._computing)
        return there

    def _widened(self, result: Tensor) -> np.ndarray:
        """Return a result as float32; fresh memory for it would cost ten times as much as to write it."""
        import torch

        if result.dtype == torch.float32:
            return result.numpy()
        wide = self._wide.lend(result.shape, channels_last=False)
        array = wide.copy_(result).numpy()
        weakref.finalize(array, self._wide.give_back, wide).atexit = False  # when no part of it is read any more
        return array

    def _launched(self, there: Inputs, sent: Any, work: Work) -> tuple[Tensor, Tensor, Any]:
        """Launch a network after what it needs was sent; return its result, planes apart, its sum, and when."""
        with self._streams.within(self._computing):
            self._computing.wait_event(sent)
            result = self._graphs.called(work.network, there, work.key).contiguous()
            return result, self._summed(result), self._computing.record_event()

    def _summed(self, result: Tensor) -> Tensor:
        """Return the sum of all values, which is finite if they are."""
        import torch

        return result.sum(dtype=torch.float32)

    def _fetched(self, result: Tensor, copying: Any) -> Tensor:
        """Launch the way of a result to the host, in its own type."""
        if result.device.type != self._device.type:
            return result  # in tiles, or of features that rest on the host
        self._streams.shared(result, copying)
        here = self._streams.memory(result.shape, result.dtype)
        self._streams.copy(here, result)
        return here


def empty_cache() -> None:
    """Give a card's memory that no network holds any more back to the system."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
