"""Checkpoints: the registry of published ones, fetching, verifying and safe reading."""

from __future__ import annotations

from vsrestore.checkpoints.download import fetch
from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.filters import filters_of, told_filters
from vsrestore.checkpoints.load import peek, read
from vsrestore.checkpoints.locate import find, first_pass_folder, how_to_get, is_here, path_of, user_folder
from vsrestore.checkpoints.registry import Entry, entries, get
from vsrestore.checkpoints.verify import verify

__all__ = [
    "CheckpointError",
    "Entry",
    "entries",
    "fetch",
    "filters_of",
    "find",
    "first_pass_folder",
    "get",
    "how_to_get",
    "is_here",
    "path_of",
    "peek",
    "read",
    "told_filters",
    "user_folder",
    "verify",
]
