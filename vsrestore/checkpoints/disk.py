"""Folders and files that may be full, missing or closed to the user: errors in words."""

from __future__ import annotations

import errno
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vsrestore.checkpoints.errors import CheckpointError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def is_file(path: Path) -> bool:
    """Tell whether a file is there.

    Raises:
        CheckpointError: nobody can tell, because a folder is closed to the user or the name is none.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        if error.errno in _ABSENT:
            return False
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a zero byte within the name
        raise CheckpointError(f"{str(path)!r} is no name of a file: {error}") from error


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it.

    Raises:
        CheckpointError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"the folder {folder} cannot be made ({error.strerror}); set VSRESTORE_WEIGHTS to another"
        ) from error


def check_room(folder: Path, needed: int) -> None:
    """Raise CheckpointError unless so many bytes are free where the folder lies."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise CheckpointError(
            f"the disk is full at {folder}: {needed:,} bytes are needed, {free:,} are free; "
            "make room, or set VSRESTORE_WEIGHTS"
        )


@contextmanager
def disk_errors(path: Path, unfinished: Path | None = None) -> Iterator[None]:
    """Turn what fails while a file is written into an error in words.

    Args:
        path: the file.
        unfinished: what is removed on a full disk, to make room.

    Raises:
        CheckpointError: the disk is full, or the folder cannot be written to.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            if unfinished:
                unfinished.unlink(missing_ok=True)
            raise CheckpointError(f"the disk is full at {path.parent}; make room, or set VSRESTORE_WEIGHTS") from error
        raise CheckpointError(
            f"{path} cannot be written ({error.strerror or error}); set VSRESTORE_WEIGHTS to another folder"
        ) from error
