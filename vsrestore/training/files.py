"""The files of a run: each is complete or as it was before, also where the disk is full."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from vsrestore.training.errors import TrainingError


def write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside its place, and then put it there.

    Raises:
        TrainingError: it cannot be written; what was there before is intact.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TrainingError(
            f"{path} cannot be written ({error.strerror}); what was saved last is intact: make room and --resume"
        ) from error


def check_place(path: Path) -> None:
    """Make sure that a file can be written, before time is spent on what shall be in it.

    Raises:
        TrainingError: it cannot.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise TrainingError(f"{path} cannot be written ({error.strerror}); give another place") from error


def append_row(path: Path, columns: Sequence[str], values: Sequence[object]) -> None:
    """Add a row to a CSV file, with a head line if the file is new.

    Raises:
        TrainingError: it cannot be written.
    """
    before = path.read_bytes() if path.exists() else b""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if not before:
        writer.writerow(columns)
    writer.writerow(values)
    write(path, before + text.getvalue().encode())


def drop_rows_after(path: Path, step: int) -> None:
    """Take rows of later steps off a CSV file, which a run wrote after it had saved its state for the last time."""
    if not path.exists():
        return
    head, *lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if int(line.partition(b",")[0]) <= step]
    if len(kept) < len(lines):
        write(path, b"".join((head, *kept)))
