"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

from ..output import to_disk


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step: what is found under its name is the old text or the new one.

    Raises:
        OSError: it cannot be written; the old text stays.

    """
    unfinished = unfinished_of(path)
    unfinished.write_text(text, encoding="utf-8")
    settle(unfinished, path)


def settle(unfinished: Path, path: Path) -> None:
    """Give a file that was written its name, once it has reached the disk.

    Raises:
        OSError: it cannot be.

    """
    to_disk(unfinished)
    unfinished.replace(path)
    to_disk(path.parent)


def unfinished_of(path: Path) -> Path:
    """Return the name under which this thread, and no other on any machine, writes a file that is to be ``path``."""
    own = f"{socket.gethostname()}-{os.getpid()}-{threading.get_native_id()}"
    return path.with_name(f"{path.stem}.{own}.unfinished{path.suffix}")


def read_json(path: Path) -> Any:
    """Return what a file holds, None where there is none or it holds no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
