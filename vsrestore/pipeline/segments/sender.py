"""vspipe at work: frames as y4m, and how long each is shown."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction

from vsrestore.interrupts import check

from .. import programs
from ..commands import Shown, Task, read_report, rendering
from ..errors import PipelineError, RunError
from ..run import FULL, Program, check_exit, wait_for
from ..timestamps import FrameTimes
from .folder import FIRST_PASS
from .whole import unfinished_of

BLOCK = 1 << 20  # bytes


class Sender:
    """vspipe at work on a run of frames.

    Args:
        task: whose script it renders.
        frames: of the clip; an empty run stands for all.
        hear: called with each line it says.

    """

    def __init__(self, task: Task, frames: range, hear: Callable[[str], bool]) -> None:
        self._task = task
        self._report = unfinished_of(task.work / "first.json")
        properties = unfinished_of(task.work / "frames.json")
        for file in (self._report, properties):
            file.unlink(missing_ok=True)
        self.times = FrameTimes(properties)
        # Nothing is sent to vspipe's standard input; its end tells it that vsrestore has gone.
        command = rendering(task, frames, self._report, properties)
        shared = task.work / FIRST_PASS if task.job.cluster else None
        environment = programs.environment(shared)
        self.program = Program(command, subprocess.PIPE, subprocess.PIPE, environment, hear=hear)

    def shown(self) -> Shown:
        """Return what frame 0, which must be among the frames, tells of the clip."""
        wait_for(self._report.exists, [self.program])
        if not self._report.exists():
            check_exit("vspipe", self.program)
            raise RunError(f"vspipe ended without a frame: {self.program.words()}")
        return read_report(self._report, self._task.media.picture)

    def header(self) -> bytes:
        """Return the line with which y4m begins."""
        return self.program.stdout.readline()

    def blocks(self, size: int) -> Iterator[memoryview]:
        """Yield the next bytes as they come, ``size`` of them unless vspipe ends before."""
        buffer = memoryview(bytearray(min(BLOCK, size)))
        while size:
            check()
            count = self.program.stdout.readinto1(buffer[: min(size, len(buffer))])  # type: ignore[attr-defined]
            if not count:
                return
            yield buffer[:count]
            size -= count

    def durations(self, count: int) -> list[Fraction | None]:
        """Return how long the next ``count`` frames are shown, once vspipe has told; frames until then are dropped."""
        while (durations := self.times.take(count)) is None:
            if not next(self.blocks(BLOCK), None):
                self.end()
                durations = self.times.take(count)
                break
        if durations is None:
            raise PipelineError(f"the times of the frames were not all written down; {FULL}")
        return durations

    def end(self) -> None:
        """Wait for its end.

        Raises:
            RunError: it failed.

        """
        wait_for(lambda: False, [self.program])
        check_exit("vspipe", self.program)
