"""The folder that a comparison leaves: all of it or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ComparisonError

PAGE, TABLE, VIDEO, CROPS = "index.html", "frames.csv", "side-by-side.mp4", "crop-*.png"


def check_folder(folder: Path, inputs: Iterable[Path], *, overwrite: bool) -> None:
    """Raise ``ComparisonError`` when the folder may not be filled."""
    if folder.exists() and not folder.is_dir():
        raise ComparisonError(f"{folder}: is a file; name a folder, which is made")
    if not folder.resolve().parent.is_dir():
        raise ComparisonError(f"{folder.parent}: no such folder")
    if not folder.exists():
        return
    if not overwrite:
        raise ComparisonError(f"{folder}: exists; --overwrite replaces the comparison in it")
    for path in inputs:
        if path.resolve().parent == folder.resolve():
            raise ComparisonError(f"{folder}: holds {path.name}, which is to be compared; choose another folder")


@contextmanager
def finished_folder(folder: Path) -> Iterator[Path]:
    """Give an unfinished folder whose files lie in ``folder`` in the end, or vanish with any exception.

    In a folder that exists, an earlier comparison is replaced; other files in it are left alone.

    Raises:
        ComparisonError: it cannot be written to, or the disk is full.

    """
    whole = folder.resolve()
    part = (whole if whole.is_dir() else whole.parent) / f".{whole.name}.{os.getpid()}.part"
    try:
        part.mkdir()
        yield part
        _deliver(part, whole)
    except OSError as error:
        raise ComparisonError(f"{folder}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _deliver(part: Path, folder: Path) -> None:
    if not folder.exists():
        part.replace(folder)
        return
    for earlier in [folder / PAGE, folder / TABLE, folder / VIDEO, *folder.glob(CROPS)]:
        earlier.unlink(missing_ok=True)
    for file in part.iterdir():
        file.replace(folder / file.name)
