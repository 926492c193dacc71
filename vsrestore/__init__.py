"""Restore old film, tape and compressed video with neural networks, as VapourSynth filters.

Every filter is a function ``vsrestore.NAME(clip, ...) -> clip``. Importing this package loads neither torch nor any
filter: a filter is looked up when it is first named.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from .filters.table import FILTERS

__version__ = "0.1.0"

# From 1.31 on, ONNX Runtime tells its makers of the machine and of every model, unless this is set before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["FILTERS", *FILTERS]


def __getattr__(name: str) -> Any:
    if name not in FILTERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function = getattr(import_module(FILTERS[name]), name)
    if not hasattr(function, "__signature__"):
        import inspect

        # Annotations are strings to Python; help() and editors show what they name.
        function.__signature__ = inspect.signature(function, eval_str=True)
    return function


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
