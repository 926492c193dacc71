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
    """Counts what operations on the meta device make while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = LiveBytes()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator and count what it makes."""
        result = func(*args, **(kwargs or {}))
        before = {tensor.untyped_storage()._cdata for tensor in _on_meta((args, kwargs))}
        for tensor in _on_meta(result):
            if tensor.untyped_storage()._cdata not in before:  # else a view of a weight, or of what was made before
                self.bytes.count(tensor)
        return result


def _on_meta(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor) and leaf.is_meta]


@contextmanager
def fused_attention() -> Iterator[None]:
    """Let attention make its result alone, as the fused kernels of cards do."""

    def fused(query: Tensor, _key: Tensor, value: Tensor, *_others: object, **_named: object) -> Tensor:
        return query.new_empty((*query.shape[:-1], value.shape[-1]))

    with patch.object(F, "scaled_dot_product_attention", fused):
        yield


@contextmanager
def metered() -> Iterator[LiveBytes]:
    """Count what is alive on the meta device; nothing is computed, and no gradient is kept."""
    with torch.inference_mode(False), torch.no_grad(), fused_attention(), Meter() as meter:
        yield meter.bytes
