"""Medians of repeated runs."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median

import vapoursynth as vs

Run = Callable[[], object]
Measure = Callable[[Run], float]


def medians[Name: str](
    runs: Mapping[Name, Run], repeats: int, measure: Measure | None = None, warm_up: bool = True
) -> dict[Name, float]:
    """Return the median of each run in seconds; see :func:`rounds`."""
    return {name: median(seconds) for name, seconds in rounds(runs, repeats, measure, warm_up).items()}


def rounds[Name: str](
    runs: Mapping[Name, Run], repeats: int, measure: Measure | None = None, warm_up: bool = True
) -> dict[Name, list[float]]:
    """Return what each run took in seconds, round by round: its duration or what ``measure`` tells.

    The runs take turns, so that whatever else the machine does meets all of them alike. A first round warms up and
    does not count, unless runs take minutes and need none.

    VapourSynth's ``frames()`` ends with a collection of all Python objects, which takes a tenth of a second beside
    torch and which vspipe does not do: what is there before the rounds that count is kept out of it.
    """
    taken: dict[Name, list[float]] = {name: [] for name in runs}
    for round_number in range(-int(warm_up), repeats):
        if not round_number:
            gc.collect()
            gc.freeze()
        for name, run in runs.items():
            seconds = (measure or duration)(run)
            if round_number >= 0:
                taken[name].append(seconds)
    gc.unfreeze()
    return taken


def duration(run: Run) -> float:
    """Return how long one run takes in seconds."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def processor_time(run: Run) -> float:
    """Return how long the processor works on one run in seconds, all threads of this process together.

    What else the machine does shows less here than in the duration; with one thread the two are the same otherwise.
    """
    started = time.process_time()
    run()
    return time.process_time() - started


def successive(clip: vs.VideoNode, count: int) -> Run:
    """Return a run that asks for the next ``count`` frames of a clip each time: no cache can hold them already."""
    starts = iter(range(0, clip.num_frames, count))
    return lambda: drain(clip[(start := next(starts)) : start + count])


def drain(clip: vs.VideoNode) -> None:
    """Ask for every frame of a clip, in order, as vspipe does."""
    for _ in clip.frames(close=True):
        pass
