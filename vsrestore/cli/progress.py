"""The progress bar on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bar:
    """What is done, how much per second, and the time that is left; without a terminal only one line at the end.

    Args:
        unit: what is counted.
        rate: what so many of them per second are called.
    """

    def __init__(self, unit: str = "frames", rate: str = "fps") -> None:
        self._unit, self._rate = unit, rate
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("reading the source", total=None, rate="")
        self._started: float | None = None
        self._first = self._done = 0

    def __enter__(self) -> Bar:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away, and say what was done when nothing failed."""
        self._progress.stop()
        if error is None and self._started is not None:
            seconds = time.monotonic() - self._started
            rate = (self._done - self._first) / seconds if seconds else 0
            print(f"vsrestore: {self._done} {self._unit} in {seconds:.1f} s ({rate:.2f} {self._rate})", file=sys.stderr)

    def count(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done; what was done at the first call has taken no time."""
        now = time.monotonic()
        if self._started is None:
            self._started, self._first = now, done
        self._done = done
        rate = (done - self._first) / (now - self._started) if now > self._started else 0
        shown = f"{rate:.2f} {self._rate}"
        self._progress.update(self._task, description=self._unit, completed=done, total=total, rate=shown)

    def tell(self, sentence: str) -> None:
        """Print one sentence above the bar."""
        self._console.print(f"vsrestore: {sentence}", markup=False)
