"""The error of this room."""

from __future__ import annotations

from vsrestore.errors import VsrestoreError


class CheckpointError(VsrestoreError, ValueError):
    """A checkpoint that is missing, damaged, of the wrong kind or not to be had; the message says what to do."""
