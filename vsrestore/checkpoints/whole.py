"""Is a file whole by its own structure: what can be told where nobody published a hash."""

from __future__ import annotations

import zipfile
from pathlib import Path

from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.load import peek
from vsrestore.checkpoints.zip_records import check_sums


def check_whole(path: Path, name: str) -> None:
    """Check that a file is complete and what its name says: a checkpoint, or a zip archive.

    Raises:
        CheckpointError: it is empty, cut off, damaged, or something else.
    """
    try:
        if name.endswith(".zip"):
            _check_archive(path)
        else:
            peek(path)
    except CheckpointError as error:
        raise CheckpointError(f"it {str(error).removeprefix(f'{path} ')}") from error


def _check_archive(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path} is no zip archive, or cut off")
    check_sums(path)
