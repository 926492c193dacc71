"""Fixtures that every room's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import vapoursynth as vs


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The messages that VapourSynth's log gets during the test."""
    lines: list[str] = []
    handler = vs.core.add_log_handler(lambda _level, text: lines.append(text))
    yield lines
    vs.core.remove_log_handler(handler)
