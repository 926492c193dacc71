"""Memory that the C library keeps when frames and tensors are freed."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt (malloc.h).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8
# Blocks up to this size are used again. glibc's own limit of 32 MiB is below one tensor of a network: each would be
# taken from the system and given back again, and half the time of a network would go into clearing its pages.
KEPT_BLOCK = 2**30
KEPT_HEAP = 2**27
# A thread's own heap would hold blocks of up to 64 MiB whatever is set above, so new threads share the first one.
HEAPS = 1
# Bytes of frames in and out after which the heap is trimmed: rare enough to cost nothing, often enough to stay flat.
TRIM_AFTER = 2**29
# Small frames leave gaps as large ones do, and little to clear again: they are trimmed after so many of them.
SMALL, SMALL_CALLS = 2**21, 8


class Heap:
    """Keeps freed memory for the next chunk, and gives what is left over back to the system now and then.

    Frames of one size come and go by the thousand, and glibc keeps the gaps between them: without trimming, a long clip
    takes more and more memory that nobody uses. Other C libraries are left to themselves.
    """

    def __init__(self) -> None:
        self._passed = self._small = 0
        self._trim = _function("malloc_trim")
        adjust = _function("mallopt")
        if adjust is not None:
            adjust(M_MMAP_THRESHOLD, KEPT_BLOCK)
            adjust(M_TRIM_THRESHOLD, KEPT_BLOCK)
            adjust(M_TOP_PAD, KEPT_HEAP)
            adjust(M_ARENA_MAX, HEAPS)

    def passed(self, size: int) -> None:
        """Count ``size`` bytes of frames, and trim the heap when enough have passed."""
        self._passed += size
        self._small += size < SMALL
        if self._trim is not None and (self._passed >= TRIM_AFTER or self._small >= SMALL_CALLS):
            self._passed = self._small = 0
            self._trim(0)


def _function(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of glibc, or None where another C library runs."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)
