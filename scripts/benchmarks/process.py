"""Figures that need a process of their own, which runs a module of this package and prints them.

Peak memory does, and so does the speed of rivals whose threads wait awake for work and disturb each other.
"""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from .timing import Measure, Run, duration

KIB, MIB = 1 << 10, 1 << 20
STATUS = Path("/proc/self/statm")  # sizes in pages: of the address space, then of what is in memory
MALLINFO2 = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)
# Threads that wait awake (those of ONNX Runtime do, unless told otherwise) would slow whoever comes next, in seconds.
REST = 0.3


def figures_of(module: str, *arguments: object) -> list[float]:
    """Run ``python -m benchmarks.MODULE ARGUMENTS`` and return the figures that it prints."""
    command = [sys.executable, "-m", f"{__package__}.{module}", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [float(figure) for figure in done.stdout.split()]


class Heap(ctypes.Structure):
    """What glibc's ``mallinfo2`` tells, under its names; ``uordblks`` are the bytes in use."""

    _fields_ = [(name, ctypes.c_size_t) for name in MALLINFO2]


class Rival:
    """A process that runs ``python -m benchmarks.MODULE ARGUMENTS`` and waits; a call is one run, and its seconds.

    Args:
        module: of this package.
        arguments: as they stand on its command line.
        environment: of the process; None takes that of this one.

    """

    def __init__(self, module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-m", f"{__package__}.{module}", *map(str, arguments)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def __call__(self) -> float:
        """Have the process take its turn (see :func:`take_turns`), once the threads of the one before are asleep."""
        time.sleep(REST)
        assert self._process.stdin
        assert self._process.stdout
        print(file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def __enter__(self) -> Self:
        """Return the rival; on leaving, its process ends."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._process.communicate()


def take_turns(run: Run, measure: Measure = duration) -> None:
    """Run once for every line on stdin and print the seconds; Python's collector rests after the first."""
    for turn, _ in enumerate(sys.stdin):
        print(measure(run), flush=True)
        if not turn:
            gc.collect()
            gc.freeze()


def resident_peak() -> float:
    """Return the most memory that this process ever held, in MiB."""
    import resource  # Unix only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (MIB if sys.platform == "darwin" else KIB)


def resident_now() -> float:
    """Return the memory that this process holds, in MiB; where the system does not tell, the most it ever held."""
    if not STATUS.exists():
        return resident_peak()
    return int(STATUS.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


def heap_in_use() -> float:
    """Return what is not free of the C library's heap, in MiB; where it does not tell (not glibc), ``resident_now``.

    What a process holds in memory grows for a while as gaps of the heap are touched one by one; this does not.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return resident_now()
    library.mallinfo2.restype = Heap
    return float(library.mallinfo2().uordblks) / MIB


def restart_with(variables: Mapping[str, str]) -> None:
    """Start this process over with environment variables, unless the user or an earlier start has set them."""
    missing = {name: value for name, value in variables.items() if name not in os.environ}
    if missing:
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **missing})
