"""Runs that are killed at any moment: nothing is lost, the next one goes on there, nobody lives on."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from tests.faults.jobs import EARLIEST, FRAMES, SCRIPT, alive_after, content_of, descendants, ended, frames_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

KILLS, KILLS_OF_A_SOAK, PROGRAMS_OF_A_SOAK = 3, 67, 30
ENDED = 4.0  # seconds, on a machine that does other things too
FRAMES_OF_A_SEGMENT = 10  # at least
NOTED = SCRIPT.replace("time.sleep(0.04)", "open({notes!r}, 'a').write(str(n) + ' ') and time.sleep(0.04)")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_loses_nothing(place, undisturbed, soak, number):
    """The old output stays until a whole new one takes its place, which is that of a run that nobody disturbed."""
    generator = random.Random(int(number))
    output = place.folder / "out.mkv"
    latest, content = undisturbed
    output.write_text("precious")
    for _ in range(KILLS if soak == 1 else KILLS_OF_A_SOAK):
        process = place.start("out.mkv", "--overwrite")
        time.sleep(generator.uniform(EARLIEST, latest))
        followers = descendants(process.pid)
        process.send_signal(number)
        code, _ = ended(process)
        assert not alive_after(followers, ENDED)
        if output.read_bytes() != b"precious":
            assert content_of(output) == content
            output.write_text("precious")
        if number != signal.SIGKILL:
            assert code in (0, 130, -number)  # the last before Python listens
        assert place.outputs() <= {"out.mkv", "out.mkv.vsrestore"}
    code, told = ended(place.start("out.mkv", "--overwrite"))
    assert code == 0, told
    assert content_of(output) == content
    assert place.outputs() == {"out.mkv"}


@pytest.mark.parametrize("victim", ["vspipe", "ffmpeg"])
def test_a_program_that_dies_costs_no_finished_segment(place, undisturbed, soak, victim):
    """Frames of finished segments are never rendered again, however often that happens."""
    generator = random.Random(victim)
    output, notes = place.folder / "out.mkv", place.source.with_name(f"{victim}-frames")
    latest, content = undisturbed
    place.script.write_text(NOTED.format(notes=str(notes)))
    for _ in range(KILLS if soak == 1 else PROGRAMS_OF_A_SOAK):
        notes.write_text("")
        finished = finished_segments(place.folder)
        process = place.start("out.mkv", "--overwrite")
        time.sleep(generator.uniform(EARLIEST, latest))
        for pid in named(descendants(process.pid), victim):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        code, told = ended(process)
        assert code in (0, 1), told
        if finished < finished_segments(place.folder) or code == 0:
            rendered = set(map(int, notes.read_text().split()))
            assert not rendered & set(range(finished * FRAMES_OF_A_SEGMENT)), told
        if code == 0:
            assert content_of(output) == content
    code, told = ended(place.start("out.mkv", "--overwrite"))
    assert code == 0, told
    assert content_of(output) == content
    assert place.outputs() == {"out.mkv"}


def finished_segments(folder: Path) -> int:
    """Return how many segments from the first on are finished."""
    names = {path.name for path in folder.glob("out.mkv.vsrestore/segments/*.json")}
    return next(number for number in count() if f"{number:06}.json" not in names)


def named(pids: set[int], name: str) -> Iterator[int]:
    """Yield the processes whose program is called so."""
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/comm").read_text().startswith(name):
                yield pid


def test_the_programs_of_a_killed_run_end_at_once(place):
    """Even where each frame but the first takes long."""
    place.script.write_text(place.script.read_text().replace("0.04", "10 if n else 0"))
    process = place.start("out.mkv")
    limit = time.monotonic() + 30
    while len(descendants(process.pid)) < 2 and time.monotonic() < limit:  # vspipe and ffmpeg
        time.sleep(0.05)
    followers = descendants(process.pid)
    assert followers
    process.kill()
    process.wait()
    assert not alive_after(followers, ENDED)


def test_two_runs_with_one_output(place):
    """One succeeds; the other says why it does not, whichever comes first."""
    runs = [place.start("out.mkv", "--overwrite") for _ in range(2)]
    results = sorted(map(ended, runs))
    assert [code for code, _ in results] == [0, 2]
    assert "another run is writing it" in results[1][1]
    assert frames_of(place.folder / "out.mkv") == FRAMES
    assert place.outputs() == {"out.mkv"}
