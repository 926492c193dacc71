"""Networks that get no weights of their own, because those of a checkpoint come or are only compared."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

FACTORIES: set[Any] = {torch.empty, torch.zeros, torch.ones, torch.arange}
DRAWS: set[Any] = {torch.Tensor.normal_, torch.Tensor.uniform_}
DRAWS |= {nn.init.normal_, nn.init.uniform_, nn.init.kaiming_normal_, nn.init.kaiming_uniform_}
LARGEST_TABLE = 2**18


class Undrawn(TorchFunctionMode):
    """Within it, layers draw no weights, which takes as long as reading them: they hold whatever was in memory."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call what torch is about to call."""
        keywords = kwargs or {}
        if func in DRAWS:
            return args[0] if args else keywords["tensor"]
        return func(*args, **keywords)


class WithoutMemory(Undrawn):
    """Within it, layers get weights without memory: a network of any size costs next to nothing.

    What a constructor computes with (tables, masks) is real unless it is large: for tensors without memory, PyTorch
    would load its compiler, some seconds.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call what torch is about to call."""
        keywords = kwargs or {}
        if func in FACTORIES and keywords.get("device") is None:
            shaped = func(*args, **{**keywords, "device": "meta"})
            if func is torch.empty or shaped.numel() > LARGEST_TABLE:
                return shaped
        return super().__torch_function__(func, types, args, keywords)
