"""What a user can put right."""

from __future__ import annotations


class EvaluationError(ValueError):
    """Files or options that do not fit; the message says what is accepted."""
