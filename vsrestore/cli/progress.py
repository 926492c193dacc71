"""The progress bar on stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

if TYPE_CHECKING:
    from vsrestore.pipeline.segments.status import JobProgress


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
            TextColumn("{task.fields[speed]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=None, speed="")
        self._begun: float | None = None
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
        if error is None and self._begun is not None:
            seconds = time.monotonic() - self._begun
            rate = (self._done - self._first) / seconds if seconds else 0
            print(f"vsrestore: {self._done} {self._unit} in {seconds:.1f} s ({rate:.2f} {self._rate})", file=sys.stderr)

    def stage(self, name: str) -> None:
        """Show what is being done before there is anything to count."""
        self._progress.update(self._task, description=name)

    def count(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done; what was done at the first call has taken no time.

        Where the first of them takes long, or many come at once, a first call with 0 of 0 when they are begun makes the
        speed true from the start.
        """
        now = time.monotonic()
        if self._begun is None:
            self._begun, self._first = now, done
        self._done = done
        speed = self._speed(now - self._begun, total)
        self._progress.update(self._task, description=self._unit, completed=done, total=total or None, speed=speed)

    def _speed(self, seconds: float, total: int) -> str:
        """Return how fast it goes and how long it will take; nothing before there is anything to reckon by."""
        new = self._done - self._first
        if not new or not seconds:
            return ""
        left = (total - self._done) * seconds / new
        return f"{new / seconds:.2f} {self._rate}, {_duration(seconds)} gone, {_duration(left)} left"

    def progress(self, progress: JobProgress) -> None:
        """Show all there is to know of a job; :meth:`count` has been called before."""
        self._progress.update(self._task, speed=told_progress(progress))

    def tell(self, sentence: str) -> None:
        """Print one sentence above the bar."""
        self._console.print(f"vsrestore: {printable(sentence)}", markup=False)


class JsonLines:
    """What :class:`Bar` shows, for a program that shows it: a JSON object on each line of standard output."""

    def __enter__(self) -> JsonLines:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """End."""

    def stage(self, name: str) -> None:
        """Write what is being done."""
        _line(event="stage", name=name)

    def count(self, done: int, total: int) -> None:
        """Leave it to :meth:`progress`."""

    def progress(self, progress: JobProgress) -> None:
        """Write how far a job is."""
        _line(event="progress", **asdict(progress))

    def tell(self, sentence: str) -> None:
        """Write one sentence."""
        _line(event="note", text=sentence)


def _line(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def told_progress(progress: JobProgress) -> str:
    """Return speeds, time left, segment and folder, as far as they are known."""
    words = []
    if progress.average:
        words = [f"{progress.now:.2f} fps now", f"{progress.average:.2f} on average"]
    if progress.left is not None:
        words.append(f"{_duration(progress.left)} left")
    if progress.segments:
        words.append(f"segment {progress.segment} of {progress.segments}")
    return ", ".join([*words, printable(progress.folder)])


def printable(text: str) -> str:
    """Return a text in which no character commands the terminal: names of files may hold such ones."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def path_line(path: Path) -> str | bytes:
    """Return a path as ``typer.echo`` prints it: to a program its very bytes, to a terminal no character commands."""
    return printable(str(path)) if sys.stdout.isatty() else os.fsencode(path)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
