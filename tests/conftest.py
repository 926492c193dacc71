"""Fixtures that every room's tests share."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

# Tests run side by side, on tensors too small to share out. torch reads this once, also in programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import vapoursynth as vs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="try every fault ten times as often")


def pytest_sessionfinish() -> None:
    """Give back what `loaded_once` kept: some libraries say at the end that they leak what was not searched."""
    gc.unfreeze()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--soak"):  # ten minutes for all fuzzing together
        os.environ.setdefault("VSRESTORE_FUZZ_SECONDS", "40")


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> int:
    """How many times as often as usual each fault is tried."""
    return 10 if request.config.getoption("--soak") else 1


@pytest.fixture(scope="session", autouse=True)
def interrupts() -> None:
    """Programs that tests start hear an interrupt even where the tests run in the background of a shell script."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> None:
    """Keep what is loaded out of the search for garbage that VapourSynth asks for at the end of every clip."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The messages that VapourSynth's log gets during the test."""
    lines: list[str] = []
    handler = vs.core.add_log_handler(lambda _level, text: lines.append(text))
    yield lines
    vs.core.remove_log_handler(handler)
