"""Interrupts that wait for a place where they do no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
