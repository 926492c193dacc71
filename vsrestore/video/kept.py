"""Arrays kept on disk under a key, and read again only as they were written."""

from __future__ import annotations

import hashlib
import io
import secrets
from contextlib import suppress
from pathlib import Path

import numpy as np


def read_kept(path: Path, key: bytes) -> np.ndarray | None:
    """Return what was kept under a key; None where there is nothing, or not what was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    array, seal = content[:-32], content[-32:]
    return np.load(io.BytesIO(array)) if seal == _seal(key, array) else None


def write_kept(path: Path, key: bytes, values: np.ndarray) -> None:
    """Keep an array: whole or not at all, whatever interrupts.

    Raises:
        OSError: the file or its folder cannot be written.

    """
    file = io.BytesIO()
    np.save(file, values)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(file.getvalue() + _seal(key, file.getvalue()))
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _seal(key: bytes, array: bytes) -> bytes:
    """Return what follows an array in its file, where NumPy does not look: a SHA-256 of it and of its key."""
    return hashlib.sha256(key + array).digest()
