"""vsrestore's folder in the user's cache: for checkpoints, indexes of videos, measures of clips, built engines.

platformdirs would not do: it takes a relative $XDG_CACHE_HOME, which the standard says to ignore, and where nobody
knows the user's home, a folder named ``~``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .errors import VsrestoreError

# What a user sets to have the cache elsewhere.
VARIABLES = {"win32": "LOCALAPPDATA", "darwin": "HOME"}
OTHER_PLATFORMS = "XDG_CACHE_HOME"
# What the cluster sets: the folder in which all machines that render one job keep their measures of its clips.
SHARED_MEASURES = "VSRESTORE_FIRST_PASS"


class CacheError(VsrestoreError, RuntimeError):
    """There is no cache folder, or it cannot be made; the message says what to set."""


def user_cache() -> Path:
    """Return the folder ``vsrestore`` in the user's cache folder, which need not exist.

    The latter is $XDG_CACHE_HOME or ~/.cache on Linux, ~/Library/Caches on macOS, %LOCALAPPDATA% on Windows.

    Raises:
        CacheError: nothing is set, and nobody knows where the user's home is.

    """
    try:
        return _base() / "vsrestore"
    except RuntimeError as error:
        raise _failed(error) from None


def cache_folder(name: str) -> Path:
    """Return the folder ``name`` of vsrestore in the user's cache, made if need be.

    Raises:
        CacheError: it cannot be made.

    """
    folder = user_cache() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(error) from None
    return folder


def _base() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"


def _failed(error: Exception) -> CacheError:
    reason = getattr(error, "strerror", None) or error
    variable = VARIABLES.get(sys.platform, OTHER_PLATFORMS)
    return CacheError(f"the cache folder cannot be made ({reason}); set {variable} to a folder that can be written")
