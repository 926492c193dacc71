"""Programs end with the one that started them, however that ended.

Windows closes their job object (not yet run there). Elsewhere a shell waits for a pipe to end. Linux would kill them by
itself if they asked it to, but between fork and exec no Python may run where there are threads: it can hang for good.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from contextlib import suppress
from functools import cache
from typing import Any


class Watchdog:
    """A shell that kills a group of processes when this process ends, which closes the pipe that the shell reads.

    Args:
        group: of processes.

    """

    def __init__(self, group: int) -> None:
        command = ["/bin/sh", "-c", f"cat > /dev/null; kill -KILL -{group}"]
        self._shell = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
        )

    def release(self) -> None:
        """End the watch: the group has ended, and another may have its number soon."""
        self._shell.kill()
        self._shell.wait()
        if self._shell.stdin is not None:
            with suppress(OSError):
                self._shell.stdin.close()


def tied(process: subprocess.Popen[bytes]) -> Watchdog | None:
    """Tie a process, which leads a group, to this one; return what must be released when it has ended."""
    if sys.platform == "win32":
        _into_job(process)
        return None
    return Watchdog(process.pid)


if sys.platform == "win32":
    EXTENDED_LIMITS, KILL_ON_CLOSE = 9, 0x2000

    class _Basic(ctypes.Structure):
        _fields_ = (
            ("times", ctypes.c_int64 * 2),
            ("flags", ctypes.c_uint32),
            ("working_set", ctypes.c_size_t * 2),
            ("processes", ctypes.c_uint32),
            ("affinity", ctypes.c_size_t),
            ("classes", ctypes.c_uint32 * 2),
        )

    class _Extended(ctypes.Structure):
        _fields_ = (("basic", _Basic), ("counters", ctypes.c_uint64 * 6), ("memory", ctypes.c_size_t * 4))

    @cache
    def _job() -> Any:
        """Return a job object of this process, which Windows closes, and so ends all in it, when the process ends."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = ctypes.c_void_p
        job, limits = ctypes.c_void_p(kernel.CreateJobObjectW(None, None)), _Extended()
        limits.basic.flags = KILL_ON_CLOSE
        size = ctypes.sizeof(limits)
        kernel.SetInformationJobObject(job, EXTENDED_LIMITS, ctypes.byref(limits), ctypes.c_uint32(size))
        return job

    def _into_job(process: subprocess.Popen[bytes]) -> None:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.AssignProcessToJobObject(_job(), ctypes.c_void_p(int(process._handle)))
