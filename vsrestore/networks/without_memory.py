"""Networks whose weights have shapes but no memory, to compare with what a checkpoint holds."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

FACTORIES: set[Any] = {torch.empty, torch.zeros, torch.ones, torch.arange}
DRAWS: set[Any] = {torch.Tensor.normal_, nn.init.normal_}
LARGEST_TABLE = 2**18


class WithoutMemory(TorchFunctionMode):
    """Within it, layers get weights without memory: a network of any size costs next to nothing.

    What a constructor computes with (tables, masks) is real unless it is large, and no weights are drawn: for tensors
    without memory, PyTorch would load its compiler for either, some seconds.
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
        if func in DRAWS and (drawn := args[0] if args else keywords["tensor"]).is_meta:
            return drawn
        return func(*args, **keywords)
