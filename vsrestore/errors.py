"""What all errors that vsrestore raises of its own have in common."""

from __future__ import annotations


class VsrestoreError(Exception):
    """Something that the user can put right; the message says what was wrong, what is accepted and what to do.

    The errors of the rooms derive from it. Filters raise ``vs.Error`` instead, as VapourSynth's own do.
    """
