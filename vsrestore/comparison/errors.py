"""How this room fails."""

from __future__ import annotations

from ..errors import VsrestoreError


class ComparisonError(VsrestoreError, ValueError):
    """Something given cannot be compared; the message says what was wrong, what is accepted and what to do."""
