from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from rich.console import Console

from vsrestore.cli import progress
from vsrestore.cli.progress import Bar, path_line, printable


@pytest.fixture
def clock(monkeypatch):
    """The time, which passes only when a test sets it."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def bar(monkeypatch):
    """A bar on a terminal whose text is kept."""
    kept = io.StringIO()
    console = Console(file=kept, force_terminal=True, width=120, highlight=False, soft_wrap=True)
    monkeypatch.setattr(progress, "Console", lambda **wishes: console)
    made = Bar()
    made.kept = kept
    return made


def shown(bar: Bar) -> str:
    return bar._progress.tasks[0].fields["speed"]


def test_nothing_is_reckoned_before_the_first_frame(bar, clock):
    bar.stage("reading the source")
    assert bar._progress.tasks[0].description == "reading the source"
    bar.count(0, 0)
    clock[0] += 7
    bar.count(0, 0)
    assert shown(bar) == ""


def test_frames_that_come_many_at_once_do_not_make_the_first_speed_too_high(bar, clock):
    bar.count(0, 0)
    clock[0] += 14
    for done in range(1, 15):
        clock[0] += 0.001
        bar.count(done, 140)
    assert shown(bar) == "1.00 fps, 0:00:14 gone, 0:02:06 left"
    clock[0] += 14
    bar.count(28, 140)
    assert shown(bar) == "1.00 fps, 0:00:28 gone, 0:01:52 left"


def test_what_was_done_at_the_first_call_has_taken_no_time(bar, clock):
    bar.count(50, 100)
    clock[0] += 10
    bar.count(60, 100)
    assert shown(bar).startswith("1.00 fps")


def test_no_name_commands_the_terminal(bar):
    bar.tell("a\x1b[31mb\x07\x9b2J\u202e.mkv: är gut")
    text = bar.kept.getvalue()
    assert "a\\x1b[31mb\\x07\\x9b2J\\u202e.mkv: är gut" in text
    assert "\x1b[31m" not in text
    assert printable("ein Film – 映画.mkv") == "ein Film – 映画.mkv"


def test_a_path_is_bytes_to_a_program_and_printable_to_a_terminal(monkeypatch):
    path = Path(os.fsdecode(b"caf\xe9\x1b[2J"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert path_line(path) == b"caf\xe9\x1b[2J"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert path_line(path) == r"caf\udce9\x1b[2J"
