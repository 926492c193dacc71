"""The header of a .safetensors file: names and shapes without the data, checked against the file's length."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.kinds import HEADER_LIMIT

EMPTY_LIMIT = 1 << 16  # elements that a tensor without any may seem to have
# Bits per element, by the format's names.
BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
}


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of every tensor, reading only the header.

    Raises:
        CheckpointError: the header is not valid, or the file is shorter or longer than the header says.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        text = file.read(min(length, HEADER_LIMIT))
    if len(text) < length:
        raise CheckpointError(f"{path} is truncated within its header; download it again")
    entries = _parse(path, text)
    try:
        shapes = {name: _shape(entry, size) for name, entry in entries.items()}
        end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except (KeyError, TypeError, ValueError, IndexError):
        raise CheckpointError(f"{path} has a damaged safetensors header; download it again") from None
    expected = 8 + length + end
    if size != expected:
        state = "truncated" if size < expected else "damaged"
        raise CheckpointError(f"{path} is {state}: {size:,} bytes instead of {expected:,}; download it again")
    return shapes


def _parse(path: Path, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path} has a damaged safetensors header; download it again") from None
    return {name: entry for name, entry in header.items() if name != "__metadata__"}


def claims_too_much(shape: tuple[int, ...], size: int) -> bool:
    """Tell whether a tensor without elements claims lengths that no file of so many bytes could fill.

    They cost nothing in the file, and networks would be built by them.
    """
    return 0 in shape and math.prod(max(length, 1) for length in shape) > max(size, EMPTY_LIMIT)


def _shape(entry: dict[str, Any], size: int) -> tuple[int, ...]:
    """Return a tensor's shape; ValueError where shape, type and place in the file disagree."""
    shape = tuple(entry["shape"])
    start, end = entry["data_offsets"]
    if any(type(number) is not int or number < 0 for number in (*shape, start, end)):
        raise ValueError
    if math.prod(shape) * BITS[entry["dtype"]] != 8 * (end - start) or claims_too_much(shape, size):
        raise ValueError
    return shape
