"""The ranges of the damage parameters, stated where the parameters are declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, fields, is_dataclass
from typing import Any


def ranged(default: float | tuple[float, ...], low: float, high: float) -> Any:
    """Return a dataclass field with a default and the range of usual values, ends included."""
    return field(default=default, metadata={"range": (low, high)})


def out_of_range(params: object, path: str = "") -> Iterator[str]:
    """Yield one sentence for every parameter, nested ones too, that lies outside the range it was declared with."""
    if not is_dataclass(params):
        return
    for declared in fields(params):
        name, value = f"{path}{declared.name}", getattr(params, declared.name)
        if "range" in declared.metadata:
            low, high = declared.metadata["range"]
            values = value if isinstance(value, tuple) else (value,)
            if not all(low <= each <= high for each in values):
                yield f"{name}={value!r} lies outside the usual range {low:g} to {high:g}"
        yield from out_of_range(value, f"{name}.")
