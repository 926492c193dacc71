"""CUDA graphs: what a network launches for tensors of a shape, recorded once and then launched as a whole.

A network of a thousand small kernels keeps the host busy with launching them. A graph counts only once it gave the
same bytes as the network itself for other frames; at the first failure of any kind all of them are off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..switches import uses_graphs

if TYPE_CHECKING:
    from torch import Tensor

    from ..networks.inputs import Inputs

Network = Callable[["Inputs"], "Tensor"]

MOST = 2
"""Graphs that are kept: whole chunks, and those of one other length."""


class Recorder(Protocol):
    """What records, as CUDA does."""

    def recorded(self, network: Network, inputs: Inputs) -> tuple[Any, Tensor]:
        """Return what replays the network on ``inputs``, by ``replay()``, and the tensor that its result is then in."""


class CudaRecorder:
    """Records the stream of the calling thread, whatever other threads launch meanwhile."""

    def __init__(self) -> None:
        self._pool: Any = None
        self._host: list[Tensor] = []

    def recorded(self, network: Network, inputs: Inputs) -> tuple[Any, Tensor]:  # noqa: D102
        import torch

        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        self._pool = self._pool or torch.cuda.graph_pool_handle()  # one for all: they are replayed one after another
        recording = torch.cuda.graph(graph, self._pool, stream, capture_error_mode="thread_local")
        with recording, host_tensors(self._host):
            return graph, network(inputs)


def host_tensors(kept: list[Tensor]) -> Any:
    """Return a context in which ``kept`` gets every tensor on the host that an operator is given.

    A graph that copies a small table to the card reads the host's memory again each time it is replayed.
    """
    from torch import Tensor
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class HostTensors(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            leaves = tree_leaves((args, kwargs))
            kept.extend(leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.device.type == "cpu")
            return func(*args, **(kwargs or {}))

    return HostTensors()


@dataclass
class Graph:
    """A recorded call."""

    recorded: Any
    inputs: Inputs
    result: Tensor
    proven: bool = False

    def replayed(self, inputs: Inputs) -> Tensor:
        """Return what it gives for inputs, in memory of its own."""
        for mine, theirs in zip(self.inputs.tensors(), inputs.tensors(), strict=True):
            mine.copy_(theirs)
        self.recorded.replay()
        return self.result.clone()


class Graphs:
    """The graphs of one network, for one thread: a call is recorded when it comes again, and replayed from then on.

    Args:
        recorder: None where there are no graphs.

    """

    def __init__(self, recorder: Recorder | None) -> None:
        self._recorder = recorder if uses_graphs() else None
        self._once: deque[Hashable] = deque(maxlen=MOST)
        self._graphs: dict[Hashable, Graph] = {}
        self._failures: list[str] = []

    def called(self, network: Network, inputs: Inputs, key: Hashable) -> Tensor:
        """Return ``network(inputs)``.

        Args:
            network: what it launches follows from the key and the shapes of the inputs.
            inputs: on the card.
            key: None where it does not.

        """
        import torch

        result = None
        with torch.inference_mode():
            if self._recorder is not None and key is not None:
                try:
                    result = self._by_graph(self._recorder, network, inputs, key)
                except Exception as error:  # whatever it is, the network can do without
                    self._recorder = None
                    self._graphs.clear()
                    self._failures.append(f"CUDA graphs are off: {error or type(error).__name__}")
            return network(inputs) if result is None else result

    def failures(self) -> list[str]:
        """Return what went wrong since this was last asked."""
        return [self._failures.pop() for _ in range(len(self._failures))]

    def _by_graph(self, recorder: Recorder, network: Network, inputs: Inputs, key: Hashable) -> Tensor | None:
        """Return what a graph gives; None where none is there yet."""
        import torch

        shapes = ((x.shape, x.stride(), x.dtype) for x in inputs.tensors())
        key = (key, *inputs.beside_frames, *inputs.beside_wanted, *shapes)
        if key in self._graphs:
            graph = self._graphs[key] = self._graphs.pop(key)  # the latest stands last
            result = graph.replayed(inputs)
            if not graph.proven and not torch.equal(result, network(inputs)):
                raise ArithmeticError("one gave another picture than the network itself")
            graph.proven = True
            return result
        if key in self._once:
            own = inputs.mapped(torch.clone)
            recorded, result = recorder.recorded(network, own)
            self._graphs[key] = Graph(recorded, own, result)
            if len(self._graphs) > MOST:
                del self._graphs[next(iter(self._graphs))]
        self._once.append(key)
        return None
