"""How much memory tensors take at most while a network runs, reckoned without any: on fake tensors or the meta device.

Every tensor that an operation makes counts until nobody holds it, as an allocator without gaps would see it. Attention
is taken to be fused: it makes its result and nothing else.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes:
    """Counts the bytes of what tensors hold until nobody holds it any more."""

    def __init__(self) -> None:
        self.alive = self.most = 0
        self._known: set[int] = set()

    def count(self, tensor: Tensor) -> None:
        """Count the memory of a tensor, unless it is that of another one that counts already."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.alive += size
            self.most = max(self.most, self.alive)
            weakref.finalize(storage, self._gone, key, size).atexit = False

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.alive -= size


class Meter(TorchDispatchMode):
    """Counts what operations make of tensors without memory while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = LiveBytes()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator and count what it makes."""
        result = func(*args, **(kwargs or {}))
        before = {tensor.untyped_storage()._cdata for tensor in _without_memory((args, kwargs))}
        for tensor in _without_memory(result):
            if tensor.untyped_storage()._cdata not in before:  # else a view of a weight, or of what was made before
                self.bytes.count(tensor)
        return result


def _without_memory(tree: object) -> list[Tensor]:
    tensors = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
    return [tensor for tensor in tensors if tensor.is_meta or isinstance(tensor, FakeTensor)]


@contextmanager
def fused_attention() -> Iterator[None]:
    """Let attention make its result alone, as the fused kernels of cards do."""

    def fused(query: Tensor, _key: Tensor, value: Tensor, *_others: object, **_named: object) -> Tensor:
        return query.new_empty((*query.shape[:-1], value.shape[-1]))

    with patch.object(F, "scaled_dot_product_attention", fused):
        yield


@contextmanager
def metered() -> Iterator[LiveBytes]:
    """Count what is alive of tensors without memory; nothing is computed, and no gradient is kept."""
    with torch.inference_mode(False), torch.no_grad(), fused_attention(), Meter() as meter:
        yield meter.bytes


@contextmanager
def autocast_card(dtype: torch.dtype) -> Iterator[None]:
    """Make tensors as if they lay on a card, without memory either, and have autocast choose their precision."""
    kind = "cuda"
    before = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
    torch.set_autocast_enabled(kind, True)
    torch.set_autocast_dtype(kind, dtype)
    try:
        with FakeTensorMode(), torch.device(kind):
            yield
    finally:
        torch.set_autocast_enabled(kind, before[0])
        torch.set_autocast_dtype(kind, before[1])
