"""The ways this room fails."""

from __future__ import annotations

from ..errors import VsrestoreError


class PipelineError(VsrestoreError, ValueError):
    """Something the user gave cannot be used; the message says what was wrong, what is accepted and what to do."""


class OtherJobError(VsrestoreError, ValueError):
    """The folder of a job holds the segments of another one."""


class RunError(VsrestoreError, RuntimeError):
    """A program of the pipeline failed on its way; the message ends in its last words."""
