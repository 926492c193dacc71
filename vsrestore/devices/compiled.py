"""Networks that torch compiles, on cards and where the user asks for it.

What is compiled rounds otherwise than the network, so which calls are compiled must not hang on the order in which
frames are asked for: each kind of call (shapes, windows) is compiled on its own, whole or not at all, and a kind that
cannot be stays as the network computes it. ``torch.compile`` would not do: it reads the network's Python, of which it
understands too little, and beyond eight shapes it goes on without a word.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.utils._pytree import tree_flatten, tree_unflatten

from ..cache_folder import cache_folder
from ..switches import COMPILE, compiles
from .out_of_memory import is_out_of_memory

DEVICES = ("cuda", "xpu")
"""Where it may bring something; on the processor it does not (docs/cards.md)."""
OPTIONS: dict[str, Any] = {"deterministic": True, "compile_threads": 1}
"""Of torch's compiler: the clock chooses nothing that changes values, and no processes are started, of vspipe say."""
READS = "it reads what pictures show, so what was recorded is for these alone"
CACHE = "TORCHINDUCTOR_CACHE_DIR"
_LOCK = RLock()  # torch's compiler is given one graph at a time
Operators = Callable[..., Tensor]


def compiled(network: nn.Module, device: torch.device, failures: list[str]) -> nn.Module:
    """Return a network that is compiled where the user wants it and the device gains by it.

    Args:
        network: on the device.
        device: where it computes.
        failures: gets a line for whatever is not compiled though it is wanted.

    """
    if not compiles():
        return network
    if device.type in DEVICES:
        return Compiled(network, failures)
    failures.append(f"not compiled: {COMPILE} is for {' and '.join(DEVICES)}, others gain nothing by it")
    return network


def by_inductor(graph: GraphModule, examples: Sequence[Tensor]) -> Operators:
    """Return a graph of operators compiled for tensors as the examples.

    Raises:
        CacheError: there is no folder for what is compiled.

    """
    _keep_to_ourselves()
    import torch._inductor

    compiled: Operators = torch._inductor.compile(graph, list(examples), options=OPTIONS)
    return compiled


class Compiled(nn.Module):
    """A network each kind of whose calls is compiled when it first comes.

    Args:
        network: what it launches follows from shapes, layouts, tables of whole numbers and whatever is no tensor.
        failures: gets a line for each kind that could not be compiled.

    """

    def __init__(self, network: nn.Module, failures: list[str]) -> None:
        super().__init__()
        self.network = network
        self._kinds: dict[Hashable, Operators | None] = {}
        self._failures = failures

    def forward(self, *arguments: Any, **named: Any) -> Tensor:
        """Return what the network gives, rounded otherwise where it could be compiled.

        Raises:
            RuntimeError: memory ended while it was compiled, which it might not the next time.

        """
        leaves, structure = tree_flatten((arguments, named))
        kind = (structure, *map(_kind, leaves))
        if kind not in self._kinds:
            with _LOCK:
                if kind not in self._kinds:
                    self._kinds[kind] = self._compiled(leaves, structure)
        operators = self._kinds[kind]
        return self.network(*arguments, **named) if operators is None else operators(*filter(_changes, leaves))

    def _compiled(self, leaves: Sequence[Any], structure: Any) -> Operators | None:
        """Return the operators of a kind, tried once; None where the network has to do without."""
        changing = list(filter(_changes, leaves))
        try:
            graph = _recorded(self.network, leaves, structure)
            operators = by_inductor(graph, changing)
            operators(*changing)
        except Exception as error:  # whatever it is, the network can do without
            if is_out_of_memory(error):
                raise
            sizes = ", ".join("x".join(map(str, tensor.shape)) for tensor in changing)
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self._failures.append(f"not compiled for {sizes}: {reason}")
            return None
        return operators


def _changes(leaf: Any) -> bool:
    """Tell whether an argument differs between calls of a kind: pictures, times, numbers of frames."""
    return isinstance(leaf, Tensor) and (leaf.is_floating_point() or leaf.dim() == 1)


def _kind(leaf: Any) -> Hashable:
    """Return what two arguments of one kind share: tables of windows their values, too, as networks go by them."""
    if _changes(leaf):
        return leaf.shape, leaf.stride(), leaf.dtype, leaf.device
    return (leaf.shape, *leaf.flatten().tolist()) if isinstance(leaf, Tensor) else leaf


def _recorded(network: nn.Module, leaves: Sequence[Any], structure: Any) -> GraphModule:
    """Return the operators that a network launches, as a function of what changes, proven on other pictures.

    Raises:
        RuntimeError: it reads values of what changes, or takes random numbers.

    """
    from torch.fx.experimental.proxy_tensor import make_fx

    def called(*changing: Tensor) -> Any:
        tensors = iter(changing)
        arguments, named = tree_unflatten([next(tensors) if _changes(leaf) else leaf for leaf in leaves], structure)
        return network(*arguments, **named)

    changing = list(filter(_changes, leaves))
    graph = make_fx(called)(*changing)
    for node in graph.graph.nodes:
        if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
            raise RuntimeError(f"{node.target} gives random numbers")
    # Not the first ones mirrored: a film may begin in black, which is the same.
    others = [torch.rand_like(tensor) if tensor.dim() > 1 else tensor for tensor in changing]
    if not torch.equal(graph(*others), called(*others)):
        raise RuntimeError(READS)
    return graph


def _keep_to_ourselves() -> None:
    """Have compiled code lie in the user's cache unless the user set a place, and no processes started for it.

    torch's own place is among the machine's temporary files, where others may have put code before.
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    os.environ.setdefault("TORCH_WARM_POOL", "0")
    if Path(os.environ.get(CACHE, default_cache_dir())) == Path(default_cache_dir()):
        os.environ[CACHE] = str(cache_folder("compiled"))
