"""The folder in which one run works, beside its output: exclusive, and found and cleared when its run was killed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import PipelineError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ENDING = ".vsrestore-part"
LOCK = "lock"
LONGEST_NAME = 255  # bytes, on the file systems of Linux, macOS and Windows
ATTEMPTS = 100


@contextmanager
def workplace(output: Path) -> Iterator[Path]:
    """Give a folder for everything unfinished of one output; it is gone afterwards, whatever happens.

    Its name belongs to the output, and a lock in it, which the system frees when its holder dies, to one run: two runs
    with one output cannot both begin, and what a killed run left in the folder of the output is cleared here.

    Raises:
        PipelineError: another run writes this output, or the folder may not be written to.

    """
    clear_leftovers(output.parent)
    folder = workplace_of(output)
    try:
        lock = claimed(folder)
    except OSError as error:
        raise PipelineError(f"{output}: cannot be written ({error.strerror or error})") from None
    if lock is None:
        raise PipelineError(f"{output}: another run is writing it; wait for that one, or choose another output")
    try:
        yield folder
    finally:
        removed(folder, lock)


def workplace_of(output: Path) -> Path:
    """Return the path of the folder that belongs to an output; it begins with a dot and fits where the output fits."""
    return beside(output, ".", ENDING)


def beside(output: Path, before: str, after: str) -> Path:
    """Return a path that belongs to an output: its name with something before and after, or where that is too long, a
    hash of it."""
    name = f"{before}{output.name}{after}"
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = f"{before}{hashlib.sha256(os.fsencode(output.name)).hexdigest()[:32]}{after}"
    return output.with_name(name)


def clear_leftovers(parent: Path) -> None:
    """Remove the workplaces in a folder whose runs have died."""
    with suppress(OSError):
        for entry in os.scandir(parent):
            if entry.name.endswith(ENDING) and entry.is_dir(follow_symlinks=False):
                _clear(Path(entry.path))


def _clear(folder: Path) -> None:
    # One that is empty was killed before it had its lock; a living run that loses it there makes it again.
    with suppress(OSError):
        folder.rmdir()
    with suppress(OSError):
        lock = os.open(folder / LOCK, os.O_RDWR)
        if _locked(lock, otherwise=False):
            removed(folder, lock)
        else:
            os.close(lock)


def claimed(folder: Path) -> int | None:
    """Make the folder and return its lock's descriptor, None when another run holds it."""
    for _ in range(ATTEMPTS):
        new = _made(folder)
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        if not _locked(lock, otherwise=new):
            os.close(lock)
            return None
        # Between the two lines above its holder may have removed it.
        if _is_file(lock, folder / LOCK):
            return lock
        os.close(lock)
    return None


def is_held(folder: Path) -> bool:
    """Tell whether a run of this machine holds a folder."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    free = _locked(lock, otherwise=True)
    os.close(lock)
    return not free


def _made(folder: Path) -> bool:
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        return False
    return True


def _locked(descriptor: int, *, otherwise: bool) -> bool:
    """Lock a file unless another run holds it; ``otherwise`` is the answer where the file system knows no locks."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return otherwise
    return True


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def removed(folder: Path, lock: int) -> None:
    """Remove the folder; the lock goes last, because without it nobody would clear what is left."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.name != LOCK:
                Path(entry.path).unlink(missing_ok=True)
    if sys.platform == "win32":  # where an open file cannot be removed
        os.close(lock)
    (folder / LOCK).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
    if sys.platform != "win32":
        os.close(lock)
