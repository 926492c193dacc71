"""The programs at work: started together, watched, and ended together."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from vsrestore.interrupts import check, held_interrupts

from .errors import PipelineError, RunError
from .ties import tied

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 5.0
KEPT_LINES = 200
FULL = "the disk is full or the file may not grow"
DISK_FULL = ("no space left on device", "disk quota exceeded", "file too large", "not enough space")
RAISED = "vapoursynth.Error: "
FAULT = re.compile(r"error|fail|invalid|unrecognized|unknown|cannot|not ", re.IGNORECASE)
ADDRESS = re.compile(r" @ 0x[0-9a-f]+")
# How a program ends on POSIX when nobody reads its pipe; vspipe elsewhere says that fwrite failed.
BROKEN_PIPE = -13
# How it ends where `ulimit -f` lets a file grow no more.
TOO_LARGE = -25
EVALUATION_FAILED = "Python exception: "


class Program:
    """A running program whose stderr is read line by line; it does not outlive the one that started it.

    Args:
        command: program and arguments.
        stdin: as for ``subprocess.Popen``.
        stdout: as for ``subprocess.Popen``.
        environment: None for the current one.
        folder: in which it runs, None for the current one.
        hear: called with each line of its stderr, from another thread; lines it answers with True are not kept.

    """

    def __init__(
        self,
        command: Sequence[str],
        stdin: IO[bytes] | int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.DEVNULL,
        environment: dict[str, str] | None = None,
        folder: Path | None = None,
        hear: Callable[[str], bool] | None = None,
    ) -> None:
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        # In a group of its own, so that a Ctrl-C goes to vsrestore alone, which then ends its programs in order.
        group = 0 if os.name == "posix" else None
        with held_interrupts() as deliver:  # of one that comes between, nobody would know what to end
            self.process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=folder,
                process_group=group,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            self._tie = tied(self.process)
            self._reader = threading.Thread(target=self._read, args=(hear,), daemon=True)
            self._reader.start()
            try:
                deliver()
            except KeyboardInterrupt:
                self.stop()
                raise

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe it writes to; only with ``stdout=subprocess.PIPE``."""
        assert self.process.stdout is not None
        return self.process.stdout

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self.process.poll()

    def words(self) -> str:
        """Return everything kept of its stderr, complete once the program has ended."""
        self._reader.join(PATIENCE_SECONDS if self.poll() is not None else 0)
        return "\n".join(self.lines)

    def stop(self) -> None:
        """End it at once; what it was writing is thrown away, so there is nothing it should finish."""
        if self.poll() is None:
            if os.name == "posix":
                with suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        if self._tie is not None:
            self._tie.release()
            self._tie = None
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()

    def _read(self, hear: Callable[[str], bool] | None) -> None:
        assert self.process.stderr is not None
        for line in _lines(self.process.stderr):
            if hear is None or not hear(line):
                self.lines.append(line)


@contextmanager
def stopping(programs: list[Program]) -> Iterator[None]:
    """End all programs of the list, whatever happens inside."""
    try:
        yield
    finally:
        for program in programs:
            program.stop()


def wait_for(ready: Callable[[], bool], programs: Sequence[Program]) -> None:
    """Wait until ``ready``, or until a program has ended with an error, or all have ended."""
    while not ready() and not any(program.poll() for program in programs):
        check()
        if all(program.poll() is not None for program in programs):
            return
        time.sleep(POLL_SECONDS)


def complete(name: str, command: Sequence[str]) -> None:
    """Run a program to its end.

    Raises:
        RunError: it failed.
        PipelineError: the disk is full.

    """
    program = Program(command)
    with stopping([program]):
        wait_for(lambda: False, [program])
    check_exit(name, program)


def check_exit(name: str, program: Program) -> None:
    """Raise with the last words of a program that failed.

    Raises:
        PipelineError: the script could not be evaluated, or (its message has ``FULL`` in it) the disk is full.
        RunError: any other failure.

    """
    code = program.poll()
    if not code:
        return
    words = program.words()
    if EVALUATION_FAILED in words:
        raise PipelineError(words.split(EVALUATION_FAILED, 1)[1].split("Traceback (most recent")[0].strip())
    if disk_full(words) or code == TOO_LARGE:
        raise PipelineError(f"{FULL} ({last_words(words)})")
    way = f"exit code {code}" if code > 0 else f"ended by signal {-code}"
    raise RunError(f"{name} failed ({way}): {last_words(words)}")


def disk_full(words: str) -> bool:
    """Tell whether a program's stderr says that it could not write all; not every ffmpeg ends with an error then."""
    return any(sign in words.lower() for sign in DISK_FULL)


def unwritable(path: Path, error: OSError) -> PipelineError:
    """Return what is told of a file that could not be written."""
    words = f"{error.filename or path}: {error.strerror or error}"
    return PipelineError(f"{FULL} ({words})" if disk_full(words) else words)


def pipe_broke(sender: Program) -> bool:
    """Tell whether a program failed because the one it writes to had gone."""
    code = sender.poll()
    return code == BROKEN_PIPE or (bool(code) and "fwrite" in sender.words())


def last_words(words: str) -> str:
    """Return what a program's stderr says of its end: a Python error's last line, else its first and last error."""
    lines = [ADDRESS.sub("", line).strip() for line in words.splitlines() if line.strip()]
    raised = [line for line in lines if line.startswith(RAISED)]
    if raised:
        return raised[-1].removeprefix(RAISED)
    telling = [line for line in lines if FAULT.search(line)] or lines
    return " | ".join(dict.fromkeys([*telling[:1], *telling[-1:]])) or "it said nothing"


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield the lines of a stream as they come, where a carriage return ends a line too."""
    rest = b""
    while chunk := os.read(stream.fileno(), 65536):
        *complete_lines, rest = re.split(rb"[\r\n]", rest + chunk)
        yield from (line.decode(errors="replace") for line in complete_lines if line)
    if rest:
        yield rest.decode(errors="replace")
