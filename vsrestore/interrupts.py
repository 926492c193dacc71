"""Interrupts: none is lost, and they wait where they would do harm.

An exception that a signal raises is lost where Python has nobody to give it to: while an object is freed, in the
callbacks of a fork or of an import. So that there was a signal is noted, too, and looked for again and again.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
IMPORTING = "<frozen importlib"  # how the file of code begins that imports
_heard: list[int] = []  # since ``listen``


def listen() -> None:
    """Have SIGINT and SIGTERM raise ``KeyboardInterrupt`` from now on, there and at the next :func:`check`.

    One that is ignored, as in programs that a shell script starts in the background, stays so.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sys.unraisablehook = _thrown_away


def check() -> None:
    """Raise ``KeyboardInterrupt`` in the main thread where a signal has been heard, however often that was done."""
    if _heard and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


@contextmanager
def heeded() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` in the place of any other exception that may come of one."""
    check()
    try:
        yield
    except Exception:
        check()
        raise


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Note a signal, and raise; but while something is imported, that waits for the next :func:`check`.

    Libraries that are interrupted then say that they are broken, and Python itself, that it was killed.
    """
    _heard.append(number)
    while frame is not None and not frame.f_code.co_filename.startswith(IMPORTING):
        frame = frame.f_back
    if frame is None:
        raise KeyboardInterrupt


def _thrown_away(unraisable: sys.UnraisableHookArgs) -> None:
    """Say what exception Python throws away, unless :func:`check` will raise it again."""
    if not (_heard and issubclass(unraisable.exc_type, KeyboardInterrupt)):
        sys.__unraisablehook__(unraisable)


@contextmanager
def held_interrupts() -> Iterator[Callable[[], None]]:
    """Hold the first SIGINT or SIGTERM back until the function that is given is called or the block ends.

    An exception that is raised between two steps of taking a lock leaves it shut for ever, and one that is raised
    while an object is freed is lost: without this, VapourSynth's ``frames()`` hangs in one interrupt of a hundred. A
    second signal comes through at once. Outside the main thread, which alone hears of signals, nothing is held.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    heard: list[int] = []
    handlers = {number: handler for number in SIGNALS if callable(handler := signal.getsignal(number))}

    def release() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def hold(number: int, _frame: object) -> None:
        release()
        heard.append(number)

    def deliver() -> None:
        while heard:
            signal.raise_signal(heard.pop())

    for number in handlers:
        signal.signal(number, hold)
    try:
        yield deliver
    finally:
        release()
        deliver()
