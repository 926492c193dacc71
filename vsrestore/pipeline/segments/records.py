"""Dataclasses as JSON and back, by their type hints."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints


def plain(value: Any) -> Any:
    """Return a value as JSON has it: fractions and paths are texts, dataclasses objects."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Fraction | Path) else value


def rebuilt(kind: Any, value: Any) -> Any:
    """Return the value of type ``kind`` of which :func:`plain` made ``value``.

    Raises:
        ValueError: it is none; so do ``TypeError``, ``KeyError`` and ``AttributeError`` say.

    """
    if kind is Any or kind is object or value is None:
        return value
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return rebuilt(next(one for one in inner if one is not type(None)), value)
    if origin is tuple:
        each = [inner[0]] * len(value) if inner[1:] == (...,) else inner
        return tuple(rebuilt(one, part) for one, part in zip(each, value, strict=True))
    if origin is list:
        return [rebuilt(inner[0], part) for part in value]
    if origin is dict:
        return {inner[0](key): rebuilt(inner[1], part) for key, part in value.items()}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        made: Any = kind
        return made(**{one.name: rebuilt(hints[one.name], value[one.name]) for one in fields(kind)})
    return kind(value)
