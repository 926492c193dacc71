"""Memory that the C library keeps when frames and tensors are freed."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

# Parameters of glibc's mallopt (malloc.h).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8
# Blocks up to this size are used again. glibc's own limit of 32 MiB is below one tensor of a network: each would be
# taken from the system and given back again, and half the time of a network would go into clearing its pages.
KEPT_BLOCK = 2**30
KEPT_HEAP = 2**27
# A thread's own heap would hold blocks of up to 64 MiB whatever is set above, so new threads share the first one.
HEAPS = 1
# Memory that a few calls leave behind serves the next; what grows beyond it by this share goes back to the system, but
# not after every few calls, because what is taken again must be cleared first, and not for a few frames on their way.
GROWTH, FEWEST_CALLS, FEWEST_FRAMES = 1 / 64, 16, 4
# Bytes of the heap for which large pages are asked (madvise, sys/mman.h): fewer than are kept when they are freed.
LARGE_PAGES, MADV_HUGEPAGE = 3 * 2**28, 14
STATUS = Path("/proc/self/statm")  # sizes in pages: of the address space, then of what is in memory


class Heap:
    """Keeps freed memory for the next chunk, and gives back to the system what more there is from call to call.

    Frames of one size come and go by the thousand, and glibc keeps the gaps between them: without trimming, a long clip
    takes more and more memory that nobody uses. Other C libraries are left to themselves.
    """

    def __init__(self) -> None:
        self._calls = self._needed = 0
        self._trim = _function("malloc_trim") if STATUS.exists() else None  # without /proc nobody tells when
        adjust = _function("mallopt")
        if adjust is not None:
            adjust(M_MMAP_THRESHOLD, KEPT_BLOCK)
            adjust(M_TRIM_THRESHOLD, KEPT_BLOCK)
            adjust(M_TOP_PAD, KEPT_HEAP)
            adjust(M_ARENA_MAX, HEAPS)
            _ask_for_large_pages()

    def passed(self, size: int) -> None:
        """Note that a call is over: a few tell how much memory is needed, some later ones trim what goes beyond.

        Args:
            size: bytes of the frames that the call took and gave.

        """
        if self._trim is None:
            return
        self._calls += 1
        if self._calls % FEWEST_CALLS:
            return
        held = resident()
        if self._calls == FEWEST_CALLS:
            self._needed = held
        elif held - self._needed > max(self._needed * GROWTH, FEWEST_FRAMES * size):
            self._calls = 0
            self._trim(0)
            _ask_for_large_pages()


def resident() -> int:
    """Return how much of this process is in memory, in bytes (Linux)."""
    return int(STATUS.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _ask_for_large_pages() -> None:
    """Have Linux fill the next part of the heap with pages of 2 MiB instead of 4 KiB, as it comes into use.

    A processor finds its way in fewer of them sooner: networks of 64 channels gain 1.5 % in float32. Nothing is taken
    before it is used.
    """
    take, give_back, advise = (_function(name) for name in ("malloc", "free", "madvise"))
    if take is None or give_back is None or advise is None:
        return
    take.restype, take.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    give_back.restype, give_back.argtypes = None, [ctypes.c_void_p]
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    block = take(LARGE_PAGES)
    if block is None:  # where a limit is set on the address space
        return
    page = os.sysconf("SC_PAGE_SIZE")
    first = -(-block // page) * page
    advise(first, LARGE_PAGES - page, MADV_HUGEPAGE)
    give_back(block)


def _function(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of glibc, or None where another C library runs."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)
