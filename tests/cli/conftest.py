"""Commands that run inside the tests' own process leave it as it was."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

from vsrestore.interrupts import SIGNALS


@pytest.fixture(autouse=True)
def signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command does about signals ends with the test."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
