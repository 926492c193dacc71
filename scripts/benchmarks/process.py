"""Figures that need a process of their own, such as peak memory: it runs a module of this package and prints them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KIB, MIB = 1 << 10, 1 << 20


def figures_of(module: str, *arguments: object) -> list[float]:
    """Run ``python -m benchmarks.MODULE ARGUMENTS`` and return the figures that it prints."""
    command = [sys.executable, "-m", f"{__package__}.{module}", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [float(figure) for figure in done.stdout.split()]


def resident_peak() -> float:
    """Return the most memory that this process ever held, in MiB."""
    import resource  # Unix only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (MIB if sys.platform == "darwin" else KIB)


def resident_now() -> float:
    """Return the memory that this process holds, in MiB; where the system does not tell, the most it ever held."""
    held = Path("/proc/self/statm")
    if not held.exists():
        return resident_peak()
    return int(held.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
