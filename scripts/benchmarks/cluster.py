"""Whether the engine of a cluster keeps workers waiting: simulated ones that only sleep, and two real ones."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from vsrestore.pipeline.cluster.connect import connected
from vsrestore.pipeline.cluster.crew import Crew
from vsrestore.pipeline.cluster.on_worker import Turn as OnWorker
from vsrestore.pipeline.cluster.turns import Asked, Turn, Turns
from vsrestore.pipeline.cluster.wish import Cluster
from vsrestore.pipeline.segments.cuts import Segment

from .report import Report, Requirement
from .segments import FEW, call, damaged_clip

CROWDS = (1, 8, 64)
EFFICIENCY, THROUGHPUT = 0.95, 0.9
TURNS = 4  # segments that each simulated worker gets


def simulated(seconds: float) -> Report:
    """Have 1, 8 and 64 workers do as many turns of a stand-in that sleeps for ``seconds``.

    They are threads of this process and take no processor: what is lost is lost by the engine, by our own loop and by
    Dask's scheduler and workers, which all share one thread here and would not on 64 machines.
    """
    rows = [(count, seconds * TURNS, taken := _sleeping(count, seconds), seconds * TURNS / taken) for count in CROWDS]
    requirement = Requirement(f"efficiency at {CROWDS[-1]} workers", rows[-1][-1], least=EFFICIENCY)
    columns = ("workers", "seconds without an engine", "seconds", "efficiency")
    return Report("cluster-simulated", columns, rows, [requirement], {"seconds": seconds, "turns": TURNS})


def real(seconds: float, segment: float, repeats: int, chain: str, width: int) -> Report:
    """Time the command alone, with all cores, and on two workers that share them, in turn."""
    ways: dict[str, Sequence[object]] = {"one program": (), "local:2": ("--cluster", "local:2")}
    with TemporaryDirectory() as name:
        folder = Path(name)
        words = (damaged_clip(folder, seconds, width), "--filter", chain, "--overwrite", "--segment", segment)
        call(*words, "-o", folder / "first.mkv", "--end", FEW)  # the index of a new file is made once
        taken: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
        for _ in range(repeats):
            for way, further in ways.items():
                taken[way].append(call(*words, "-o", folder / "out.mkv", *further))
    rows = [(way, *(median(figures) for figures in zip(*runs, strict=True))) for way, runs in taken.items()]
    requirement = Requirement("throughput of two workers over one program", rows[0][1] / rows[1][1], least=THROUGHPUT)
    settings: dict[str, object] = {"seconds": seconds, "segment": segment, "filter": chain, "width": width}
    columns = ("way", "seconds", "processor seconds", "MiB of the largest program")
    return Report("cluster", columns, rows, [requirement], {**settings, "repeats": repeats})


_turns: dict[int, OnWorker] = {}  # by number of the first segment
_finished: set[int] = set()


class _Sleep:
    """Segments that nobody renders, as :class:`vsrestore.pipeline.cluster.turns.Work`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        _finished.clear()

    def rendering(self, first: int, end: int) -> Asked:
        """Return what sleeps for each of some segments."""
        return (_slept, first, end, self._seconds)

    def shortening(self, first: int, parts: int) -> Asked:
        """Return what shortens a turn."""
        return (_shortened, first, parts)

    def is_finished(self, segment: Segment) -> bool:
        """Tell whether somebody has slept for a segment."""
        return segment.number in _finished

    def wait_for(self, segment: Segment, worker: str) -> None:
        """Do nothing: what a thread has done is seen at once."""

    def report(self, turns: Collection[Turn]) -> None:
        """Do nothing."""


def _slept(first: int, end: int, seconds: float) -> None:
    turn = _turns[first] = OnWorker(first, end)
    for number in range(first, end):
        if not turn.may_begin(Segment(number, number, number + 1)):
            return
        time.sleep(seconds)
        _finished.add(number)


def _shortened(first: int, parts: int) -> int:
    return _turns[first].shortened(parts) if first in _turns else first


def _sleeping(count: int, seconds: float) -> float:
    segments = [Segment(number, number, number + 1) for number in range(count * TURNS)]
    with connected(Cluster(f"local:{count}")) as client:
        crew = Crew(client, lambda addresses: dict.fromkeys(addresses, ""), lambda sentence: None, {})
        crew.update()
        begun = time.monotonic()
        Turns(crew, _Sleep(seconds)).take(segments)
        return time.monotonic() - begun
