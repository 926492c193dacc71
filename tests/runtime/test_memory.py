"""Memory of freed tensors is used again."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from vsrestore.runtime import memory
from vsrestore.runtime.memory import FEWEST_CALLS, FEWEST_FRAMES, Heap

resource = pytest.importorskip("resource")
needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left to themselves")

LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
ROOT = Path(__file__).parents[2]
BLOCKS = [40 * 2**20, 48 * 2**20, 56 * 2**20]
PAGES = sum(BLOCKS) // 4096
# Small objects that stay may lie in a gap, and the next tensor then takes new pages: gaps settle after 2 to 5 rounds.
ROUNDS = 40


def pages_taken() -> int:
    """Fill tensors one after the other, free each, and return how many pages the system had to give for them."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for size in BLOCKS:
        torch.ones(size // 4)
    return int(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)


def fewest_pages_taken() -> int:
    """Return the pages that the best of some rounds takes in a thread that is new to the process."""
    Heap()
    torch.set_num_threads(1)  # pages that other threads fill would not be counted
    with ThreadPoolExecutor(max_workers=1) as thread:
        return min(thread.submit(pages_taken).result() for _ in range(ROUNDS))


def in_a_new_process(function: str) -> str:
    """Return what a function of this file returns there, as text."""
    code = f"from tests.runtime import test_memory; print(test_memory.{function}())"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@needs_glibc
def test_freed_tensors_leave_their_pages_to_the_next():
    """In a process of its own: a thread takes over the heap of one that ended, and other tests had threads."""
    assert int(in_a_new_process("fewest_pages_taken")) < PAGES // 2


def flags_of_a_tensor() -> str:
    """Return what Linux knows of the memory in which the middle of a large tensor lies."""
    Heap()
    tensor = torch.ones(2**24)
    middle = tensor.data_ptr() + tensor.nbytes // 2
    found = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        heading = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if heading:
            found = int(heading[1], 16) <= middle < int(heading[2], 16)
        elif found and line.startswith("VmFlags:"):
            return line
    return ""


@needs_glibc
@pytest.mark.skipif(not LARGE_PAGES.exists(), reason="this kernel has no large pages")
def test_large_pages_are_asked_for():
    assert "hg" in in_a_new_process("flags_of_a_tensor").split()


@needs_glibc
def test_what_grows_beyond_the_need_of_a_call_is_given_back(monkeypatch):
    """Of 6400 bytes that are needed up to 6500 are let be; what the calls after trimming need counts from then on."""
    looked_at = {FEWEST_CALLS: 6400, 2 * FEWEST_CALLS: 6500, 3 * FEWEST_CALLS: 6501}  # by the number of the call
    later = {FEWEST_CALLS: 7100, 2 * FEWEST_CALLS: 7210, 3 * FEWEST_CALLS: 7211}
    trimmed: list[int] = []
    heap = Heap()
    monkeypatch.setattr(heap, "_trim", trimmed.append)
    for count, held in enumerate((looked_at, later)):
        for call in range(1, 3 * FEWEST_CALLS + 1):
            assert len(trimmed) == count
            monkeypatch.setattr(memory, "resident", lambda held=held, call=call: held.get(call, 9000))
            heap.passed(size=20)
    assert trimmed == [0, 0]


@needs_glibc
def test_resident_memory_is_that_of_this_process():
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    assert memory.resident() == pytest.approx(int(line.split()[1]) * 1024, rel=0.02)


@needs_glibc
def test_a_few_frames_more_are_let_be(monkeypatch):
    trimmed: list[int] = []
    heap = Heap()
    monkeypatch.setattr(heap, "_trim", trimmed.append)
    for held in (*[6400] * FEWEST_CALLS, *[7000] * (2 * FEWEST_CALLS - 1), 7001):
        assert not trimmed
        monkeypatch.setattr(memory, "resident", lambda held=held: held)
        heap.passed(size=600 // FEWEST_FRAMES)
    assert trimmed == [0]


@needs_glibc
def test_without_proc_the_heap_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "STATUS", tmp_path / "statm")
    heap = Heap()
    for _ in range(3 * FEWEST_CALLS):
        heap.passed(size=20)
