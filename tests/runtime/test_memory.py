"""Memory of freed tensors is used again."""

from __future__ import annotations

import platform
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from vsrestore.runtime.memory import SMALL, SMALL_CALLS, TRIM_AFTER, Heap

resource = pytest.importorskip("resource")
needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left to themselves")

BLOCKS = [40 * 2**20, 48 * 2**20, 56 * 2**20]
PAGES = sum(BLOCKS) // 4096


def pages_taken() -> int:
    """Fill tensors one after the other, free each, and return how many pages the system had to give for them."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for size in BLOCKS:
        torch.ones(size // 4)
    return int(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)


@needs_glibc
def test_freed_tensors_leave_their_pages_to_the_next():
    Heap()
    with ThreadPoolExecutor(max_workers=1) as thread:
        assert min(thread.submit(pages_taken).result() for _ in range(6)) < PAGES // 10


@needs_glibc
def test_the_heap_is_trimmed_once_enough_frames_have_passed(monkeypatch):
    trimmed: list[int] = []
    heap = Heap()
    monkeypatch.setattr(heap, "_trim", trimmed.append)
    for _ in range(5):
        heap.passed(TRIM_AFTER // 2)
    assert trimmed == [0, 0]


@needs_glibc
def test_the_heap_is_trimmed_after_some_small_frames(monkeypatch):
    trimmed: list[int] = []
    heap = Heap()
    monkeypatch.setattr(heap, "_trim", trimmed.append)
    for _ in range(2 * SMALL_CALLS + 1):
        heap.passed(SMALL - 1)
        heap.passed(SMALL)
    assert trimmed == [0, 0]
