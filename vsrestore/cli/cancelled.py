"""How commands end that are interrupted, wherever that comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from vsrestore.interrupts import check, heeded, listen


@contextmanager
def cancellable(name: str, left: Callable[[], str]) -> Iterator[None]:
    """Hear SIGINT and SIGTERM from now on; inside, they end the command with one line and code 130.

    Args:
        name: with which the line begins.
        left: returns what the command leaves.

    """
    listen()
    try:
        with heeded():
            yield
            check()
    except KeyboardInterrupt:
        typer.echo(f"{name}: cancelled; {left()}", err=True)
        raise typer.Exit(130) from None


def left_of(page: Path) -> Callable[[], str]:
    """Return what tells what an interrupted comparison leaves, ``page`` being a file of it."""
    before = _stamp(page)
    return lambda: "nothing was written" if _stamp(page) == before else "all was written"


def _stamp(page: Path) -> int:
    try:
        return page.stat().st_mtime_ns
    except OSError:
        return 0
