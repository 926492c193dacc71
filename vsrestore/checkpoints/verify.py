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

from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.registry import Entry

BLOCK = 1 << 20  # bytes read at a time


@dataclass(frozen=True, slots=True)
class Pin:
    """What a file was when it was last checked."""

    sha256: str
    size: int
    changed_ns: int  # time of change, nanoseconds


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob_of(path: Path) -> str:
    """Return the SHA-1 in hex under which git stores a file's content (`git hash-object`)."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def verify(path: Path, entry: Entry, *, accept: bool = False) -> str:
    """Check a file against what is known of its entry; return in words what was confirmed.

    A published hash decides. Where none is published, the file's own hash is pinned the first time and a later change
    is an error; a hash recorded by one third party only (a hint) counts as published until the user accepts the file.

    Args:
        path: the file.
        entry: of the registry.
        accept: pin the file as it is, against a hint or an earlier pin (never against the authors' hash or size).

    Raises:
        CheckpointError: wrong size, wrong hash, or changed since it was pinned.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist")
    _check_size(path, entry)
    digest = sha256_of(path)
    confirmed = _confirm(path, entry, digest, accept=accept)
    if not entry.shipped:
        _write_pin(path, digest)
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
        raise CheckpointError(f"{path} has {size:,} bytes, {entry.name} has {entry.size:,}; {_replace(entry)}")


def _confirm(path: Path, entry: Entry, digest: str, *, accept: bool) -> str:
    pin = read_pin(path)
    if entry.git_blob:
        return _confirm_git_blob(path, entry)
    if entry.sha256 and digest.startswith(entry.sha256):
        whole = len(entry.sha256) == len(digest)
        return "sha256 as published" if whole else f"first {len(entry.sha256)} digits of sha256 as published"
    if entry.sha256 and not entry.is_hint:
        raise CheckpointError(
            f"{path} is not {entry.name}: sha256 {digest} should begin {entry.sha256}; {_replace(entry)}"
        )
    if accept:
        return "accepted as it is and pinned"
    if pin is None and entry.is_hint:
        raise CheckpointError(
            f"{path} has sha256 {digest}, another project recorded {entry.sha256} for {entry.name}; {_replace(entry)}, "
            "or take it as it is with: vsrestore weights verify --accept " + entry.name
        )
    if pin is not None and pin.sha256 != digest:
        raise CheckpointError(
            f"{path} has changed since it was first checked (sha256 {digest}, was {pin.sha256}); {_replace(entry)}, "
            f"or take it as it is with: vsrestore weights verify --accept {entry.name}"
        )
    return "as first checked (no hash is published)" if pin else "pinned (no hash is published to compare with)"


def _confirm_git_blob(path: Path, entry: Entry) -> str:
    blob = git_blob_of(path)
    if blob != entry.git_blob:
        raise CheckpointError(
            f"{path} is not {entry.name}: git blob {blob} should be {entry.git_blob}; {_replace(entry)}"
        )
    return "git blob id as published"


def _replace(entry: Entry) -> str:
    if entry.shipped:
        return "install vsrestore again"
    return f"remove it and fetch it again with: vsrestore weights fetch {entry.name}"


def _pin_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _write_pin(path: Path, digest: str) -> None:
    state = path.stat()
    text = f"{digest}  {path.name}\n# size {state.st_size} changed_ns {state.st_mtime_ns}\n"
    with contextlib.suppress(OSError):  # in a folder that cannot be written, the file is hashed at every use
        _pin_path(path).write_text(text, encoding="utf-8")
