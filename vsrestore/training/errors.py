"""What can stop a training run that its user can put right."""

from __future__ import annotations

from vsrestore.errors import VsrestoreError


class DataError(VsrestoreError, ValueError):
    """Training clips are missing or cannot be used."""


class TrainingError(VsrestoreError, RuntimeError):
    """A run cannot begin or go on: what it was told does not go together, or its files cannot be written."""
