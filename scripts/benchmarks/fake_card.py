"""A card that computes nothing: what networks launch there, what they hold, and what they fetch from the host.

Tensors on it are fake (``torch._subclasses``): they have a device, a shape and a type, but no memory. On the host all
is real.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .live_memory import LiveBytes

CARD = torch.device("cuda", 0)
TABLE = 2**12
"""Numbers of a table that may be sent to the card within a call, where nobody waits for it."""
NO_LAUNCH = ("empty", "new_empty", "empty_like", "empty_strided", "new_empty_strided", "detach", "lift_fresh")
TAPS = 9
UNORDERED = ("bincount", "cumsum", "histc", "index_add", "kthvalue", "max_unpool2d", "scatter_add", "scatter_reduce")
"""Operators that add or choose in another order each time on CUDA (the list of torch.use_deterministic_algorithms)."""


class HostCopyError(AssertionError):
    """A network copied pictures or features between host and card within its call, or made the card wait."""


class OrderError(AssertionError):
    """A network would not give the same bytes each time."""


class Card(TorchDispatchMode):
    """Counts what is launched on the card, what is read from it, and the bytes that tensors hold there."""

    def __init__(self) -> None:
        super().__init__()
        self.launches = self.reads = 0
        self.memory = LiveBytes()
        self.prepares = False
        """Whether a network is called for the first time, and may bring tables that it keeps."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator on fake tensors and note it; copies from or to the host and sums in any order are refused."""
        kwargs = kwargs or {}
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if not any(isinstance(tensor, FakeTensor) for tensor in inputs) and kwargs.get("device") != CARD:
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        result = STAND_INS.get(func.name(), _computed)(self, func, args, kwargs)
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        name = func.overloadpacket.__name__
        added = name.startswith("index_put") and (*args, False, False)[3]  # accumulate
        if added or (name.rstrip("_") in UNORDERED and any(tensor.is_floating_point() for tensor in outputs)):
            raise OrderError(f"{func} gives other bytes each time")
        if not self.prepares:
            self._check(func, inputs, outputs, kwargs)
        for tensor in outputs:
            self.memory.count(tensor)
        self.launches += bool(outputs) and not func.is_view and name not in NO_LAUNCH
        return result

    def _check(self, func: Any, inputs: list[Tensor], outputs: list[Tensor], kwargs: dict[str, Any]) -> None:
        if any(tensor.device != CARD for tensor in outputs):
            raise HostCopyError(f"{func} brings {[tuple(tensor.shape) for tensor in outputs]} to the host")
        tables = [tensor for tensor in inputs if tensor.device != CARD and tensor.dim()]
        if tables and not (kwargs.get("non_blocking") and max(table.numel() for table in tables) <= TABLE):
            raise HostCopyError(f"{func} brings {[tuple(table.shape) for table in tables]} from the host")


def _computed(_card: Card, func: Any, args: Any, kwargs: Any) -> Any:
    return func(*args, **kwargs)


def _deformed(card: Card, _func: Any, args: Any, _kwargs: Any) -> Tensor:
    """The deformable 3x3 convolution of torchvision, whose samples of all taps lie in memory at once."""
    x, weight = args[:2]
    images, channels, height, width = x.shape
    card.memory.count(x.new_empty(channels * TAPS, images, height, width))
    return x.new_empty(images, weight.shape[0], height, width)


def _sampled(_card: Card, _func: Any, args: Any, _kwargs: Any) -> Tensor:
    x, grid = args
    return x.new_empty(*x.shape[:2], *grid.shape[1:3])


def _read(card: Card, _func: Any, args: Any, _kwargs: Any) -> float:
    """A number that the host reads, which waits for the card."""
    card.reads += 1
    return False if args[0].dtype == torch.bool else args[0].dtype.is_floating_point * 0.0


def _places(card: Card, _func: Any, args: Any, _kwargs: Any) -> Tensor:
    """Places whose number the host reads: every second one."""
    card.reads += 1
    return args[0].new_empty(max(args[0].numel() // 2, 1), args[0].dim(), dtype=torch.int64)


STAND_INS = {
    "torchvision::deform_conv2d": _deformed,
    "aten::cudnn_grid_sampler": _sampled,
    "aten::_local_scalar_dense": _read,
    "aten::nonzero": _places,
}
"""For what fake tensors cannot do."""


@contextmanager
def fake_card() -> Iterator[Card]:
    """Lend a fake card; tensors that are made there meanwhile are fake."""
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad(), Card() as card:
        yield card


def there(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a real network with fake tensors on the card in the place of its own; to be called with a fake card."""
    with unset_fake_temporarily():
        network = network.eval().requires_grad_(False).to(dtype=dtype)
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(_on_card(parameter), requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = _on_card(buffer)
    return network


def _on_card(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=CARD)
