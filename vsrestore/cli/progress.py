"""The progress bar on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bar:
    """Frames done, frames per second and the time that is left; without a terminal only one line at the end."""

    def __init__(self) -> None:
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
        self._frames = 0

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
            rate = self._frames / seconds if seconds else 0
            print(f"vsrestore: {self._frames} frames in {seconds:.1f} s ({rate:.2f} fps)", file=sys.stderr)

    def count(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` frames are restored."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        self._frames = done
        rate = done / (now - self._started) if now > self._started else 0
        self._progress.update(self._task, description="frames", completed=done, total=total, rate=f"{rate:.2f} fps")

    def tell(self, sentence: str) -> None:
        """Print one sentence above the bar."""
        self._console.print(f"vsrestore: {sentence}", markup=False)
