"""Jobs on a cluster whose processes are killed at any moment: the file is whole and that of a run on one machine."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults.jobs import EARLIEST, content_of, ended
from tests.pipeline.dask_processes import Processes, processes

pytest.importorskip("distributed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks")

KILLS, KILLS_OF_A_SOAK = 1, 30
# The command notices a lost scheduler sooner than it usually would.
IMPATIENT = (
    "from vsrestore.pipeline.cluster import connect; connect.SECONDS = 3; from vsrestore.cli import main; main()"
)


class Cluster:
    """A scheduler and two workers."""

    def __init__(self, started: Processes) -> None:
        self._started = started
        self._begin()

    def _begin(self) -> None:
        self.scheduler, self.address = self._started.scheduler()
        self.workers = [self._started.worker(self.address) for _ in range(2)]

    def kill_worker(self, generator: random.Random) -> None:
        """Kill one of the workers; another one comes."""
        os.kill(self.workers.pop(generator.randrange(2)), signal.SIGKILL)
        self.workers.append(self._started.worker(self.address))

    def kill_scheduler(self) -> None:
        """Kill the scheduler, and start another cluster for whoever comes next."""
        for number in (self.scheduler, *self.workers):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self._begin()


@pytest.fixture(scope="module")
def dask() -> Iterator[Processes]:
    with processes() as started:
        yield started


@pytest.mark.parametrize("victim", ["worker", "scheduler", "command"])
def test_whoever_is_killed_the_file_is_whole(place, undisturbed, soak, dask, victim):
    if victim == "command" and soak == 1:
        pytest.skip("only with --soak")
    cluster, generator = Cluster(dask), random.Random(victim)
    program, output = ("-c", IMPATIENT), place.folder / "out.mkv"
    latest, content = undisturbed
    ends = []
    for _ in range(KILLS if soak == 1 else KILLS_OF_A_SOAK):
        words = ("--overwrite", "--cluster", cluster.address)
        process = place.start("out.mkv", *words, program=program)
        time.sleep(generator.uniform(EARLIEST, 2 * latest))
        if victim == "worker":
            cluster.kill_worker(generator)
        elif victim == "scheduler":
            cluster.kill_scheduler()
        else:
            process.kill()
        code, told = ended(process)
        ends.append(code)
        assert code in {"worker": (0,), "scheduler": (0, 1, 2), "command": (0, -9)}[victim], told
        assert code in (0, -9) or "scheduler" in told
        if output.exists():
            assert content_of(output) == content
            output.unlink()
    if ends[-1] != 0:
        code, told = ended(place.start("out.mkv", "--cluster", cluster.address))
        assert code == 0, told
        assert content_of(output) == content
    assert place.outputs() <= {"out.mkv"}
    print(f"{victim}: {len(ends)} kills, {ends.count(0)} of the runs ended well")
