"""Medians of repeated runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import vapoursynth as vs

Run = Callable[[], object]


def medians[Name: str](runs: Mapping[Name, Run], repeats: int) -> dict[Name, float]:
    """Return the median duration of each run in seconds.

    The runs take turns, so that whatever else the machine does meets all of them alike; a first round warms up and
    does not count.
    """
    taken: dict[Name, list[float]] = {name: [] for name in runs}
    for round_number in range(repeats + 1):
        for name, run in runs.items():
            seconds = duration(run)
            if round_number:
                taken[name].append(seconds)
    return {name: median(seconds) for name, seconds in taken.items()}


def duration(run: Run) -> float:
    """Return how long one run takes in seconds."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def successive(clip: vs.VideoNode, count: int) -> Run:
    """Return a run that asks for the next ``count`` frames of a clip each time: no cache can hold them already."""
    starts = iter(range(0, clip.num_frames, count))
    return lambda: drain(clip[(start := next(starts)) : start + count])


def drain(clip: vs.VideoNode) -> None:
    """Ask for every frame of a clip, in order, as vspipe does."""
    for _ in clip.frames(close=True):
        pass
