"""A Dask scheduler and workers as processes of their own, to be killed.

``python -m tests.pipeline.dask_processes`` loads Dask once and starts a process for each line that it reads, by fork:
``scheduler SECONDS``, after which a worker that is not heard of is taken for dead, or ``worker ADDRESS VERSION``, where
the version is what vsrestore calls itself there, or ``none``; the name of a variable may follow, which is set for the
worker. It answers with the number of the process, and for a scheduler with its address. All end with it.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIE_WITH_PARENT = 1
TTL = 10  # seconds after which a worker that is not heard of is taken for dead
MEMORY = "400MB"  # less than torch alone takes


class Processes:
    """Starts schedulers and workers."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def scheduler(self, ttl: int = TTL) -> tuple[int, str]:
        """Return the number of a new scheduler's process, and its address."""
        number, address = self._asked(f"scheduler {ttl}").split()
        return int(number), address

    def worker(self, address: str, version: str = "none", variable: str = "") -> int:
        """Return the number of a new worker's process."""
        return int(self._asked(f"worker {address} {version} {variable}"))

    def _asked(self, line: str) -> str:
        assert self._program.stdin
        assert self._program.stdout
        print(line, file=self._program.stdin, flush=True)
        return self._program.stdout.readline().strip()


@contextmanager
def processes() -> Iterator[Processes]:
    """Give the means to start processes; all have ended afterwards."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.pipeline.dask_processes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield Processes(program)
    finally:
        program.kill()
        program.wait()


async def _schedule(pipe: int) -> None:
    from distributed import Scheduler

    async with Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address="127.0.0.1:0") as scheduler:
        os.write(pipe, scheduler.address.encode())
        os.close(pipe)
        await scheduler.finished()


async def _work(address: str) -> None:
    from distributed import Worker

    async with Worker(
        address, nthreads=1, host="127.0.0.1", memory_limit=MEMORY, dashboard_address="127.0.0.1:0"
    ) as worker:
        await worker.finished()


def _started(words: list[str]) -> str:
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        with open(reading) as pipe:  # noqa: PTH123
            return f"{child} {pipe.read()}".strip()
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    if words[0] == "scheduler":
        import dask.config

        dask.config.set({"distributed.scheduler.worker-ttl": f"{words[1]}s"})
        asyncio.run(_schedule(writing))
        os._exit(0)
    os.close(writing)
    if words[2] != "none":
        import vsrestore

        vsrestore.__version__ = words[2]
    os.environ.update(dict.fromkeys(words[3:], "1"))
    asyncio.run(_work(words[1]))
    os._exit(0)


if __name__ == "__main__":
    import logging

    import distributed  # noqa: F401

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        print(_started(line.split()), flush=True)
