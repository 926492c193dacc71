"""Filters on a card: speed, how busy it is, memory, what float16 costs, and whether the order changes a frame.

At most five minutes for every filter that runs a network, with its own weights or with seeded ones; then vsbasicvsrpp
and vs-mlrt, where they are installed. Nothing here has been run on a card yet; send what it writes to the project. On
the CPU it only tries itself out, on small pictures.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import torch
import vapoursynth as vs

import vsrestore
from vsrestore.devices.graphs import Graphs
from vsrestore.networks.traits import Precision
from vsrestore.onnx_models.session import Provider
from vsrestore.switches import compiles
from vsrestore.video.frames import plane_views

from . import basicvsrpp_peer
from .card_filters import CASES, filters, prepared
from .material import moving_clip
from .networks import plain, write_onnx
from .report import Cell, Report, Requirement

OTHERS = (640, 360)
LENGTH = 10**5
LIMIT, ENGINES = 210.0, 240.0
"""Seconds from the beginning, after which no filter is begun, and no engine of TensorRT."""
COLUMNS = ("filter", "size", "precision", "fps", "busy", "in networks", "GiB", "largest error", "same in any order")
QUERY = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
LOOKED_AT = (0, 5)
"""Frames whose samples are compared."""
NEW = 480
"""From here on frames are timed: the first of a chunk in all filters, and far from those looked at."""
IN_NETWORKS = 0.97
"""The share of its time that `film` is in its network: of the bare network's speed it has as much."""
NO_TIME, UNKNOWN = "no time left", "not told"


@dataclass(frozen=True)
class Trial:
    """What is measured, and for how long."""

    device: str
    half: Precision | None = None
    """What stands beside float32; None takes what each filter names."""
    seconds: float = 1.5
    """Of a measurement; it ends with a whole frame after that."""
    size: tuple[int, int] | None = None
    """Of all clips, in the place of each filter's own."""

    def clip(self, name: str) -> vs.VideoNode:
        """Return what a filter takes."""
        return moving_clip(LENGTH, *(self.size or CASES[name].size), vs.YUV420P8)

    def precisions(self, name: str) -> list[Precision]:
        """Return what a filter is measured in; what a card computes in by default comes first."""
        named = CASES[name].half
        return ["float32"] if named is None else [self.half or named, "float32"]


def trial_on(device: str) -> Trial:
    """Return how to measure on a device: the CPU is only to show that all of it works."""
    return Trial(device, "bfloat16", 0.2, (64, 64)) if device == "cpu" else Trial(device)


def run(trial: Trial, names: Sequence[str] = ()) -> list[Report]:
    """Measure filters (default: all) until time is up; those left out are told."""
    names, began = names or filters(), time.monotonic()
    rows: list[Sequence[Cell]] = []
    with TemporaryDirectory() as folder:
        for index, name in enumerate(names):
            if time.monotonic() > began + LIMIT:
                rows.append(_missing(name, NO_TIME))
                continue
            # What one filter leaves of its share of the time, the next ones have.
            rows += _measured(name, Path(folder), trial, until=began + LIMIT * (index + 1) / len(names))
        peer = basicvsrpp_peer.run(3)
        mlrt = _beside_mlrt(trial, Path(folder), until=began + ENGINES)
    unlike = sum(row[-1] == "no" for row in rows)
    requirements = [Requirement("filters whose frames depend on the order", unlike, most=0)]
    shares = [row[5] for row in rows if row[0] == "film" and isinstance(row[5], float)]
    requirements += [
        Requirement("film: share of its time in its network", share, least=IN_NETWORKS) for share in shares
    ]
    card = torch.cuda.get_device_name(trial.device) if trial.device.startswith("cuda") else trial.device
    settings: dict[str, object] = {"device": card, "torch": torch.__version__, "seconds": trial.seconds}
    settings["networks compiled"] = compiles()
    return [Report("card", COLUMNS, rows, requirements, settings), mlrt, *peer]


def _missing(name: str, why: str) -> Sequence[Cell]:
    return name, *[why] * (len(COLUMNS) - 1)


def _measured(name: str, folder: Path, trial: Trial, until: float) -> Iterator[Sequence[Cell]]:
    """Yield the row of a filter in each precision, after what kept it from one.

    Args:
        name: the filter.
        folder: for its weights.
        trial: how it is measured.
        until: when no second precision is begun any more, by the monotonic clock.

    """
    pictures: dict[Precision, list[np.ndarray]] = {}
    cells: dict[Precision, Sequence[Cell]] = {}
    with CASES[name].within():
        made, clip = prepared(name, folder), trial.clip(name)
        for precision in trial.precisions(name):
            if pictures and time.monotonic() > until:
                yield _missing(name, NO_TIME)
                continue
            try:
                filtered = partial(made, clip, device=trial.device, precision=precision)
                pictures[precision], cells[precision] = _figures(filtered, trial)
            except vs.Error as failure:
                yield _missing(name, str(failure).partition("\n")[0])
    size = ", ".join(filter(None, (f"{clip.width}x{clip.height}", CASES[name].about)))
    for precision, (*figures, same) in cells.items():
        yield name, size, precision, *figures, _error(pictures[precision], pictures.get("float32")), same


def _error(result: Sequence[np.ndarray], exact: Sequence[np.ndarray] | None) -> Cell:
    """Return the largest difference of any sample."""
    if exact is None:
        return UNKNOWN
    return max(int(np.abs(one.astype(int) - other).max()) for one, other in zip(result, exact, strict=True))


def _figures(filtered: Callable[[], vs.VideoNode], trial: Trial) -> tuple[list[np.ndarray], Sequence[Cell]]:
    """Return the frames that are compared, and the cells of a row from fps on, without the error."""
    result = filtered()
    forwards = _looked_at(result, LOOKED_AT)
    _forget_peak(trial.device)
    with _coming(result) as coming, _utilisation(trial.device) as busy, _networks_under_way(trial.device) as share:
        fps = _fps(coming, trial.seconds)
    memory = _peak(trial.device)
    backwards = _looked_at(filtered(), LOOKED_AT[::-1])[::-1]
    same = "yes" if all(map(np.array_equal, forwards, backwards)) else "no"
    under_way: Cell = share[0] if share else UNKNOWN
    return forwards, (fps, f"{mean(busy):.0f} %" if busy else UNKNOWN, under_way, memory, same)


def _looked_at(result: vs.VideoNode, numbers: Sequence[int]) -> list[np.ndarray]:
    """Return all samples of frames, asked for in order."""
    return [np.concatenate([plane.ravel() for plane in plane_views(result.get_frame(n))]) for n in numbers]


@contextmanager
def _coming(result: vs.VideoNode) -> Iterator[Iterator[vs.VideoFrame]]:
    """Lend the frames after one that has come, none of which was asked for before."""
    coming = cast("Generator[vs.VideoFrame]", result[NEW:].frames(close=True))
    next(coming)
    try:
        yield coming
    finally:
        coming.close()


def _fps(coming: Iterator[object], seconds: float) -> float:
    """Return the frames per second from one arrival to another: those of a chunk arrive together."""
    began, count, passed = time.monotonic(), 0, 0.0
    while passed <= seconds:
        next(coming)
        count, passed = count + 1, time.monotonic() - began
    return count / passed


def _forget_peak(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> Cell:
    """Return the most memory that torch took on a card, in GiB."""
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.startswith("cuda") else UNKNOWN


@contextmanager
def _utilisation(device: str) -> Iterator[list[float]]:
    """Lend a list that fills with the shares of time, in percent, in which a card is busy with any kernel."""
    shares: list[float] = []
    over = Event()
    kind, _, number = device.partition(":")

    def watch() -> None:
        while kind == "cuda" and shutil.which(QUERY[0]) and not over.wait(0.3):
            asked = subprocess.run((*QUERY, f"--id={number or 0}"), capture_output=True, text=True, check=False)
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


@contextmanager
def _networks_under_way(device: str) -> Iterator[list[float]]:
    """Lend a list that in the end gets the share of time in which calls of networks were under way on a card."""
    share: list[float] = []
    if not device.startswith("cuda"):
        yield share
        return
    called, spans = Graphs.called, list[tuple[Any, Any]]()

    def timed(graphs: Graphs, *call: Any) -> torch.Tensor:
        before = _now()
        result = called(graphs, *call)
        spans.append((before, _now()))
        return result

    with torch.cuda.device(device), patch.object(Graphs, "called", timed):
        begin = _now()
        yield share
        end = _now()
        torch.cuda.synchronize()
    whole = begin.elapsed_time(end)
    share.append(
        _covered([(begin.elapsed_time(one), begin.elapsed_time(other)) for one, other in spans], whole) / whole
    )


def _now() -> Any:
    """Return an event of the stream that the thread launches into."""
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _covered(spans: Iterable[tuple[float, float]], whole: float) -> float:
    """Return how much of 0 to ``whole`` lies in any span (begin, end)."""
    covered = reached = 0.0
    for begin, end in sorted(spans):
        covered += max(min(end, whole) - max(begin, reached), 0.0)
        reached = max(reached, min(end, whole))
    return covered


def _beside_mlrt(trial: Trial, folder: Path, until: float) -> Report:
    """Return the speed of ``onnx`` beside vs-mlrt's on the same model, by provider.

    TensorRT, which builds an engine first, is left out after ``until`` by the monotonic clock.
    """
    path = folder / "plain.onnx"
    write_onnx(plain(), path)
    clip = moving_clip(LENGTH, *(trial.size or OTHERS))
    rows: list[Sequence[Cell]] = []
    providers: dict[Provider, Callable[..., vs.VideoNode]] = {
        "cuda" if trial.device != "cpu" else "cpu": _ort,
        "tensorrt": _tensorrt,
    }
    for provider, theirs in providers.items():
        ours = partial(vsrestore.onnx, path=path, provider=provider)
        for name, made in ((f"vsrestore.onnx, {provider}", ours), (f"vs-mlrt, {provider}", partial(theirs, path=path))):
            if provider == "tensorrt" and time.monotonic() > until:
                rows.append((name, NO_TIME))
                continue
            try:
                with _coming(made(clip)) as coming:
                    rows.append((name, _fps(coming, trial.seconds)))
            except (vs.Error, ModuleNotFoundError, AttributeError) as absent:
                rows.append((name, f"not run: {str(absent).strip().splitlines()[-1]}"))
    return Report("card-mlrt", ("filter", "fps"), rows, (), {"size": f"{clip.width}x{clip.height}"})


def _ort(clip: vs.VideoNode, path: Path) -> vs.VideoNode:
    provider = "CUDA" if torch.cuda.is_available() else ""
    return vs.core.ort.Model(clip, network_path=str(path), provider=provider)


def _tensorrt(clip: vs.VideoNode, path: Path) -> vs.VideoNode:
    if not find_spec("vsmlrt"):
        raise ModuleNotFoundError("vsmlrt is not installed")
    mlrt = importlib.import_module("vsmlrt")
    return mlrt.inference([clip], str(path), backend=mlrt.Backend.TRT(fp16=True))
