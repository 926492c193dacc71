"""Where checkpoints lie: those that come with vsrestore, and those the user fetched or placed."""

from __future__ import annotations

import os
from pathlib import Path

from vsrestore.cache_folder import CacheError, user_cache
from vsrestore.checkpoints import registry
from vsrestore.checkpoints.disk import is_file
from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.filters import filters_of, told_filters
from vsrestore.checkpoints.registry import Entry
from vsrestore.checkpoints.verify import ensure

_ENDINGS = (".safetensors", ".pth", ".pt", ".ckpt", ".pkl", ".bin", ".onnx", ".tar")


def user_folder() -> Path:
    """Return the folder of fetched checkpoints: $VSRESTORE_WEIGHTS, or `vsrestore` in the platform's cache folder.

    Raises:
        CheckpointError: neither is set, and nobody knows where the user's home is.
    """
    chosen = os.environ.get("VSRESTORE_WEIGHTS")
    try:
        return Path(chosen).expanduser() if chosen else user_cache()
    except CacheError as error:
        raise CheckpointError(f"{error}, or VSRESTORE_WEIGHTS to one for checkpoints") from error
    except RuntimeError as error:
        raise CheckpointError(
            f"there is no folder for checkpoints ({error}); set VSRESTORE_WEIGHTS to one, or HOME"
        ) from error


def first_pass_folder() -> Path:
    """Return the folder, beside fetched checkpoints, of what first passes over clips have measured.

    Raises:
        CheckpointError: as for ``user_folder``.
    """
    return user_folder() / "first-pass"


def path_of(entry: Entry) -> Path:
    """Return where an entry's file lies or belongs."""
    return (registry.weights_folder() if entry.shipped else user_folder()) / entry.file


def is_here(entry: Entry) -> bool:
    """Tell whether an entry's file lies where it belongs; CheckpointError where nobody can tell."""
    return is_file(path_of(entry))


def find(name_or_path: str | Path, architecture: str | None = None, filter: str | None = None) -> Path:
    """Return the file of a checkpoint.

    Args:
        name_or_path: a name of the registry, else the path of a file (write ./NAME for a file called like an entry).
            A registry file is verified the first time it is used and after it changed.
        architecture: which a registry entry must have (default: any).
        filter: that is to run it: entries that only others run, or none, are refused.

    Raises:
        CheckpointError: another architecture or filter, no such name or file, not fetched yet (gives the command), or
            not the published file.
    """
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and text in registry.entries():
        return _find_entry(registry.get(text, architecture), filter)
    path = _expanded(text)
    if is_file(path):
        return path
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; give a checkpoint file or a name (see: vsrestore weights list)")
    if isinstance(name_or_path, Path) or path.name != text or path.suffix in _ENDINGS:
        raise CheckpointError(f"{path} does not exist; give a checkpoint file or a name (see: vsrestore weights list)")
    return _find_entry(registry.get(text, architecture), filter)


def how_to_get(entry: Entry) -> str:
    """Return what the user does to get an entry's file: a command, or steps with a browser."""
    if entry.shipped:
        return "it comes with vsrestore; install vsrestore again"
    if entry.is_fetchable:
        return f"fetch it with: vsrestore weights fetch {entry.name}"
    return f"{entry.manual}, and save it as {path_of(entry)}"


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise CheckpointError(f"{text} does not exist ({error}); give the path in full") from error


def _find_entry(entry: Entry, filter: str | None) -> Path:
    if filter and filter not in filters_of(entry):
        raise CheckpointError(
            f"{entry.name} is a checkpoint for {entry.architecture}, which {filter} does not run; {told_filters(entry)}"
        )
    path = path_of(entry)
    if not is_here(entry):
        raise CheckpointError(
            f"the checkpoint {entry.name} is not here ({path}); {how_to_get(entry)} ({told_filters(entry)})"
        )
    ensure(path, entry)
    return path
