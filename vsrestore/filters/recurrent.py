"""What filters have in common whose network passes along a chunk and keeps features of all its frames."""

from __future__ import annotations

from ..video.errors import fail

# Frames of a chunk with its overlap, beyond which its features rest in the machine's memory; None: they never do.
CPU_CACHE = {None: 100, True: 0, False: None}


def cached_from(name: str, cpu_cache: bool | None) -> int | None:
    """Return the frames from which on features rest in the machine's memory, as networks take it."""
    if not isinstance(cpu_cache, bool | None):
        fail(name, f"cpu_cache={cpu_cache!r}; True, False or None is accepted")
    return CPU_CACHE[cpu_cache]
