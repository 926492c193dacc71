"""What a file is, by its first bytes: a checkpoint that can be read, or what it is instead and what to do."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Literal

from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.network_pickle import MARK

Kind = Literal["safetensors", "zip", "legacy", "network"]

HEADER_LIMIT = 100_000_000  # bytes; the safetensors format's own limit
PICKLE_LIMIT = 64 << 20  # bytes of names, shapes and options; the published files stay below 1 MiB
INFLATION_LIMIT = 20  # unpacked bytes per packed byte; torch itself stores without compression

_LEGACY_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # pickled number that opens files of torch < 1.6
_DOWNLOAD_AGAIN = "download it again (vsrestore weights fetch --again)"
_OTHER_FILES: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the file it stands for; download the real file"),
    (b"\x1f\x8b", "is gzip-packed; unpack it first"),
    (b"7z\xbc\xaf", "is a 7z archive; unpack it and give the checkpoint inside"),
    (b"Rar!", "is a RAR archive; unpack it and give the checkpoint inside"),
    (b"\x89HDF", "is an HDF5 file (Keras); PyTorch checkpoints and safetensors are accepted"),
)


def kind_of(path: Path) -> Kind:
    """Return how a checkpoint is stored.

    That is safetensors, a PyTorch zip file, a PyTorch file from before version 1.6, or a pickle of whole networks.

    Raises:
        CheckpointError: missing, empty, truncated, or something else than a checkpoint; says what it is.
    """
    head = _head(path)
    if head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= HEADER_LIMIT:
        return "safetensors"
    if head.startswith(b"PK"):
        _check_zip(path)
        return "zip"
    if head.startswith(b"\x80") and _LEGACY_MAGIC in head[:32]:
        return "legacy"
    if head.startswith(b"\x80") and _holds_networks(path):
        return "network"
    raise CheckpointError(f"{path} {_describe(head, path)}")


def is_stored(path: Path) -> bool:
    """Tell whether a PyTorch zip file holds its tensors uncompressed, so that they can be mapped into memory."""
    with zipfile.ZipFile(path) as archive:
        return all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        raise CheckpointError(f"{path} is empty; {_DOWNLOAD_AGAIN}")
    return head


def _check_zip(path: Path) -> None:
    """Refuse zip files that are cut off, are no checkpoints, carry programs or unpack to far more than they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        raise CheckpointError(f"{path} is truncated or damaged; {_DOWNLOAD_AGAIN}") from None
    names = [entry.filename for entry in entries]
    if any(name.endswith("/constants.pkl") for name in names):
        raise CheckpointError(f"{path} is a TorchScript program, not a state dict; give the model's state dict instead")
    pickles = [entry for entry in entries if entry.filename.endswith("data.pkl")]
    if not pickles:
        raise CheckpointError(
            f"{path} is a zip archive without a checkpoint's data; unpack it and give the file inside"
        )
    inflated = sum(entry.file_size for entry in entries)
    if inflated > INFLATION_LIMIT * path.stat().st_size or pickles[0].file_size > PICKLE_LIMIT:
        raise CheckpointError(f"{path} would unpack to {inflated:,} bytes, far more than a checkpoint does; not opened")


def _describe(head: bytes, path: Path) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "is a web page, not a checkpoint (a download page saved instead of the file?); download the file itself"
    for start, description in _OTHER_FILES:
        if head.startswith(start):
            return description
    if head[257:262] == b"ustar":
        return "is a tar archive (perhaps of PyTorch before 0.1.10); unpack it, or save it again with a newer PyTorch"
    if head.startswith(b"\x80"):
        return "is a plain Python pickle, which can run code when read; a .safetensors or .pth state dict is accepted"
    if all(byte >= 9 for byte in head):
        return "is text, not a checkpoint; a .safetensors or .pth file is accepted"
    if path.suffix == ".safetensors":
        return f"is no valid safetensors file; {_DOWNLOAD_AGAIN}"
    return f"is neither a safetensors file nor a PyTorch checkpoint; if it should be one, {_DOWNLOAD_AGAIN}"


def _holds_networks(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK in file.read(1 << 20)
