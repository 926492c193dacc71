"""Runs that are killed at any moment: nothing is lost, nothing stays behind, nobody lives on."""

from __future__ import annotations

import random
import signal
import sys
import time

import pytest

from tests.faults.jobs import FRAMES, alive_after, descendants, ended, frames_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

KILLS, KILLS_OF_A_SOAK = 3, 67
EARLIEST = 0.2  # seconds after the start
LATEST = 1.05  # of the time that a run takes which nobody kills


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_loses_nothing(place, soak, number):
    """The old output stays until a whole new one takes its place."""
    generator = random.Random(int(number))
    output = place.folder / "out.mkv"
    latest = LATEST * seconds_of(place)
    output.write_text("precious")
    for _ in range(KILLS if soak == 1 else KILLS_OF_A_SOAK):
        process = place.start("out.mkv", "--overwrite")
        time.sleep(generator.uniform(EARLIEST, latest))
        followers = descendants(process.pid)
        process.send_signal(number)
        code, _ = ended(process)
        assert not alive_after(followers, 2)
        if output.read_bytes() != b"precious":
            assert frames_of(output) == FRAMES
            output.write_text("precious")
        if number != signal.SIGKILL:
            assert code in (0, 130, -number)  # the last before Python listens
            assert place.outputs() == {"out.mkv"}
    code, told = ended(place.start("out.mkv", "--overwrite"))
    assert code == 0, told
    assert frames_of(output) == FRAMES
    assert place.outputs() == {"out.mkv"}


def seconds_of(place):
    """Return how long a run takes here and now; its output is removed."""
    began = time.monotonic()
    code, told = ended(place.start("out.mkv"))
    assert code == 0, told
    (place.folder / "out.mkv").unlink()
    return time.monotonic() - began


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
    assert not alive_after(followers, 2)


def test_two_runs_with_one_output(place):
    """One succeeds; the other says why it does not, whichever comes first."""
    runs = [place.start("out.mkv", "--overwrite") for _ in range(2)]
    results = sorted(map(ended, runs))
    assert [code for code, _ in results] == [0, 2]
    assert "another run is writing it" in results[1][1]
    assert frames_of(place.folder / "out.mkv") == FRAMES
    assert place.outputs() == {"out.mkv"}
