"""Synthetic damage: deterministic, seedable, with random access.

The rooms are pure NumPy; `filters` is the VapourSynth side and is imported only when it is looked up.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["filters"]


def __getattr__(name: str) -> Any:
    if name == "filters":
        return importlib.import_module(".filters", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
