"""How this room fails."""

from __future__ import annotations

from ..errors import VsrestoreError


class StepsError(VsrestoreError, ValueError):
    """A recipe cannot be read or carried out; the message says what was wrong, what is accepted and what to do."""
