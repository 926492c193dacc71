"""How much memory tensors take at most while a network runs, reckoned without any: on PyTorch's meta device.

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
from torch.utils._pytree import tree_flatten


class Meter(TorchDispatchMode):
    """Counts the bytes that are alive while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        there = {storage._cdata for storage in _storages((args, kwargs))}
        for storage in _storages(result):
            if storage._cdata not in there:  # else a view of a weight, or of what was made before
                self._count(storage)
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        self.alive += storage.nbytes()
        self.most = max(self.most, self.alive)
        weakref.finalize(storage, self._gone, key, storage.nbytes())

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.alive -= size


def _storages(tree: object) -> list[torch.UntypedStorage]:
    found = tree_flatten(tree)[0]
    return [
        tensor.untyped_storage()
        for tensor in found
        if isinstance(tensor, FakeTensor) or (isinstance(tensor, Tensor) and tensor.is_meta)
    ]


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what is alive; nothing is computed, and no gradient is kept."""

    def fused(query: Tensor, _key: Tensor, value: Tensor, *_others: object, **_named: object) -> Tensor:
        return query.new_empty((*query.shape[:-1], value.shape[-1]))

    with torch.inference_mode(False), torch.no_grad(), patch.object(F, "scaled_dot_product_attention", fused):
        meter = Meter()
        with meter:
            yield meter


@contextmanager
def fake_card(autocast: torch.dtype) -> Iterator[None]:
    """Make tensors as if they lay on a card, without memory either, and have autocast choose their precision."""
    kind = "cuda"
    enabled, dtype = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
    torch.set_autocast_enabled(kind, True)
    torch.set_autocast_dtype(kind, autocast)
    try:
        with FakeTensorMode(), torch.device(kind):
            yield
    finally:
        torch.set_autocast_enabled(kind, enabled)
        torch.set_autocast_dtype(kind, dtype)
