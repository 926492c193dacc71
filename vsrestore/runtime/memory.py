"""Memory that the C library keeps when frames are freed."""

from __future__ import annotations

import ctypes
import sys

# Bytes of frames in and out after which the heap is trimmed: rare enough to cost nothing, often enough to stay flat.
TRIM_AFTER = 256 * 2**20


class Heap:
    """Gives free memory back to the system now and then.

    Frames of one size come and go by the thousand, and glibc keeps the gaps between them: without trimming, a long clip
    takes more and more memory that nobody uses.
    """

    def __init__(self) -> None:
        self._passed = 0
        self._trim = _malloc_trim()

    def passed(self, size: int) -> None:
        """Count ``size`` bytes of frames, and trim the heap when enough have passed."""
        self._passed += size
        if self._trim is not None and self._passed >= TRIM_AFTER:
            self._passed = 0
            self._trim(0)


def _malloc_trim() -> ctypes._NamedFuncPointer | None:
    """Return glibc's ``malloc_trim``; other C libraries give memory back by themselves."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
