"""The one way an error reaches a user of a filter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import vapoursynth as vs


def fail(name: str, message: str) -> NoReturn:
    """Raise ``vs.Error`` with the filter's name in front.

    Args:
        name: the filter as the user called it.
        message: what was wrong; what is accepted; what to do.

    """
    raise vs.Error(f"{name}: {message}")


@contextmanager
def told_by(name: str, *expected: type[Exception]) -> Iterator[None]:
    """Turn the expected exceptions of another room into ``vs.Error`` of the filter ``name``."""
    try:
        yield
    except expected as error:
        raise vs.Error(f"{name}: {error}") from None


def warn(name: str, message: str) -> None:
    """Send a warning of the filter ``name`` to VapourSynth's log (stderr in vspipe)."""
    vs.core.log_message(vs.MESSAGE_TYPE_WARNING, f"{name}: {message}")


def note(name: str, message: str) -> None:
    """Send what a user of the filter ``name`` should know to VapourSynth's log (stderr in vspipe)."""
    vs.core.log_message(vs.MESSAGE_TYPE_INFORMATION, f"{name}: {message}")
