"""Is a file the checkpoint it should be: published hashes, and pins where nothing is published.

Beside every checked file `FILE` lies `FILE.sha256`: its hash in the form of sha256sum, and in a comment the size and
time of change it had then, so that an unchanged file is not hashed again at every use.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from vsrestore.checkpoints.disk import is_file
from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.registry import Entry
from vsrestore.checkpoints.whole import check_whole

BLOCK = 1 << 20  # bytes read at a time


@dataclass(frozen=True, slots=True)
class Pin:
    """What a file was when it was last checked."""

    sha256: str
    size: int
    changed_ns: int  # time of change, nanoseconds


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hex; CheckpointError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error


def git_blob_of(path: Path) -> str:
    """Return the SHA-1 in hex under which git stores a file's content (`git hash-object`)."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def verify(path: Path, entry: Entry, *, accept: bool = False) -> str:
    """Check a file against what is known of its entry; return in words what was confirmed.

    A published hash decides. Where none is published, the file must be whole by its structure, its own hash is pinned
    the first time, and a later change is an error; a hash recorded by one third party only (a hint) counts as published
    until the user accepts the file.

    Args:
        path: the file.
        entry: of the registry.
        accept: pin the file as it is, against a hint or an earlier pin (never against the authors' hash or size).

    Raises:
        CheckpointError: wrong size, wrong hash, no checkpoint by its structure, or changed since it was pinned.
    """
    if not is_file(path):
        raise CheckpointError(f"{path} does not exist")
    try:
        return check(path, entry, pinned_as=path, accept=accept)
    except CheckpointError as error:
        raise CheckpointError(f"{path} is not {entry.name}: {error}; {_how_to_replace(entry)}") from error


def check(path: Path, entry: Entry, *, pinned_as: Path, accept: bool = False, anew: bool = False) -> str:
    """Like `verify`, for a file that is to lie at `pinned_as`; the error only says what differs.

    Args:
        path: the file as it lies now.
        entry: of the registry.
        pinned_as: where it is to lie.
        accept: see `verify`.
        anew: pay no heed to an earlier pin.
    """
    is_open = not entry.git_blob and (entry.is_hint or not entry.has_hash)  # nothing that binds is published
    digest = sha256_of(path)
    pin = None if anew else read_pin(pinned_as)
    if is_open and accept:
        check_whole(path, pinned_as.name)
        confirmed = "accepted as it is and pinned"
    elif is_open and pin is not None and pin.sha256 == digest:
        confirmed = "as first checked (no hash is published)"
    else:
        _check_size(path, entry)
        confirmed = _check_hash(path, entry, digest, pin)
    if not entry.shipped:
        _write_pin(path, pinned_as, digest)
    return confirmed


def ensure(path: Path, entry: Entry) -> None:
    """Verify a file, unless it has not changed since it was last verified.

    Raises:
        CheckpointError: see `verify`.
    """
    pin = read_pin(path)
    state = path.stat()
    unchanged = pin is not None and (pin.size, pin.changed_ns) == (state.st_size, state.st_mtime_ns)
    if not (unchanged and pin is not None and (entry.is_hint or pin.sha256.startswith(entry.sha256))):
        verify(path, entry)


def read_pin(path: Path) -> Pin | None:
    """Return what is recorded beside a file, None where nothing (readable) is."""
    try:
        text = _pin_path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    match = re.match(r"([0-9a-f]{64})  .*\n# size (\d+) changed_ns (\d+)\n", text)
    return Pin(match[1], int(match[2]), int(match[3])) if match else None


def _check_size(path: Path, entry: Entry) -> None:
    size = path.stat().st_size
    if entry.size is not None and size != entry.size:
        raise CheckpointError(f"it has {size:,} bytes, the published file has {entry.size:,}")


def _check_hash(path: Path, entry: Entry, digest: str, pin: Pin | None) -> str:
    if entry.git_blob:
        blob = git_blob_of(path)
        if blob != entry.git_blob:
            raise CheckpointError(f"its git blob id is {blob}, published is {entry.git_blob}")
        return "git blob id as published"
    if entry.sha256:
        return _check_sha256(entry, digest)
    if entry.md5:
        _check_md5(path, entry)
        return "md5 as published"
    if pin is not None:
        raise CheckpointError(
            f"its sha256 is {digest}, when it was first checked it was {pin.sha256}{_how_to_accept(entry)}"
        )
    check_whole(path, entry.file)
    return "pinned now (no hash is published)"


def _check_sha256(entry: Entry, digest: str) -> str:
    """Compare with the published digits, of which there may be only the first."""
    if not digest.startswith(entry.sha256):
        who = "another project recorded" if entry.is_hint else "published is"
        raise CheckpointError(f"its sha256 is {digest}, {who} {told_sha256(entry)}{_how_to_accept(entry)}")
    return (
        f"first {len(entry.sha256)} of 64 digits of sha256 as published" if entry.is_prefix else "sha256 as published"
    )


def told_sha256(entry: Entry) -> str:
    """Return the published digits, with how many of them there are where these are not all."""
    return f"{entry.sha256}... (the first {len(entry.sha256)} of 64 digits)" if entry.is_prefix else entry.sha256


def _check_md5(path: Path, entry: Entry) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if digest != entry.md5:
        raise CheckpointError(f"its md5 is {digest}, another project recorded {entry.md5}{_how_to_accept(entry)}")


def _how_to_replace(entry: Entry) -> str:
    """Return what the user does about a file that is not the published one."""
    if entry.shipped:
        return "install vsrestore again"
    if entry.is_fetchable:
        return f"get it anew: vsrestore weights fetch --again {entry.name}"
    return f"remove it and get it anew: {entry.manual}"


def _how_to_accept(entry: Entry) -> str:
    """Return how to take a file that only a hint or a pin contradicts."""
    if entry.has_hash and not entry.is_hint:
        return ""
    return f" (to take it as it is: vsrestore weights verify --accept {entry.name})"


def _pin_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _write_pin(path: Path, pinned_as: Path, digest: str) -> None:
    state = path.stat()
    text = f"{digest}  {pinned_as.name}\n# size {state.st_size} changed_ns {state.st_mtime_ns}\n"
    with contextlib.suppress(OSError):  # in a folder that cannot be written, the file is hashed at every use
        _pin_path(pinned_as).write_text(text, encoding="utf-8")
