"""Filters on a card: speed, how busy it is, memory, what float16 costs, and whether the order changes a frame.

At most five minutes: filters with their own weights, and some with seeded weights of a published size. Nothing here has
been run on a card yet; send what it writes to the project.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from threading import Event, Thread

import numpy as np
import torch
import vapoursynth as vs

from vsrestore.networks.traits import Precision
from vsrestore.video.frames import plane_views

from .against import NETWORKS, write_checkpoint
from .filter_speed import CASES
from .material import moving_clip
from .report import Cell, Report, Requirement

SIZES = {"film": (1920, 1080), "tape": (720, 576), "upscale": (1920, 1080), "basicvsrpp": (720, 576)}
OTHERS = (640, 360)
LIMIT = 290.0
SECONDS = 8.0
"""Of a measurement; it ends with a whole frame after that."""
COLUMNS = ("filter", "size", "precision", "fps", "busy", "GiB", "largest error", "same in any order")
QUERY = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")


def run(device: str = "cuda") -> list[Report]:
    """Measure every filter in both precisions until time is up; those left out are told."""
    began = time.monotonic()
    rows: list[Sequence[Cell]] = []
    orders: list[bool] = []
    with TemporaryDirectory() as folder:
        for name in CASES:
            if time.monotonic() - began > LIMIT - 4 * SECONDS:
                rows.append((name, *["no time left"] * (len(COLUMNS) - 1)))
                continue
            for row, same in _measured(name, Path(folder), device):
                rows.append(row)
                orders.append(same)
    requirements = [Requirement("filters whose frames depend on the order", orders.count(False), most=0)]
    settings: dict[str, object] = {"device": torch.cuda.get_device_name(device), "torch": torch.__version__}
    return [Report("card", COLUMNS, rows, requirements, settings)]


def _measured(name: str, folder: Path, device: str) -> Iterator[tuple[Sequence[Cell], bool]]:
    """Yield the row of a filter in each precision, and whether the order of asking changes nothing."""
    if name in NETWORKS:
        write_checkpoint(name, folder)
    width, height = SIZES.get(name, OTHERS)
    clip = moving_clip(96, width, height, vs.YUV420P8)
    exact: list[np.ndarray] = []
    precisions: tuple[Precision, ...] = ("float32", "float16")
    for precision in precisions:

        def filtered(precision: Precision = precision) -> vs.VideoNode:
            return CASES[name].filtered(clip, folder / f"{name}.pth", device=device, precision=precision)

        shown = filtered()
        first = [_samples(shown.get_frame(number)) for number in (0, 5)]
        exact = exact or first
        error = max(int(np.abs(one.astype(int) - other).max()) for one, other in zip(first, exact, strict=True))
        torch.cuda.reset_peak_memory_stats(device)
        with _utilisation() as shares:
            fps = _fps(shown)
        memory = torch.cuda.max_memory_allocated(device) / 2**30
        backwards = filtered()
        same = all(
            np.array_equal(_samples(backwards.get_frame(number)), picture)
            for number, picture in reversed(list(zip((0, 5), first, strict=True)))
        )
        busy = f"{mean(shares):.0f} %" if shares else "not told"
        yield (name, f"{width}x{height}", precision, fps, busy, memory, error, "yes" if same else "no"), same


def _samples(frame: vs.VideoFrame) -> np.ndarray:
    return np.concatenate([plane.ravel() for plane in plane_views(frame)])


def _fps(shown: vs.VideoNode) -> float:
    began, count = time.monotonic(), 0
    for frame in shown.frames(close=True):
        count += bool(frame)
        if time.monotonic() - began > SECONDS:
            break
    return count / (time.monotonic() - began)


@contextmanager
def _utilisation() -> Iterator[list[float]]:
    """Lend a list that fills with the shares of time, in percent, in which the first card is busy."""
    shares: list[float] = []
    over = Event()

    def watch() -> None:
        while not over.wait(0.5):
            asked = subprocess.run(QUERY, capture_output=True, text=True, check=False)
            if asked.returncode:
                return
            shares.append(float(asked.stdout.split()[0]))

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield shares
    finally:
        over.set()
        watcher.join()
