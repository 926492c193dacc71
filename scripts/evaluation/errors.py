"""What a user can put right."""

from __future__ import annotations

from vsrestore.errors import VsrestoreError


class EvaluationError(VsrestoreError, ValueError):
    """Files or options that do not fit; the message says what is accepted."""
