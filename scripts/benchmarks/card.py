"""Filters on a card: speed, how busy it is, memory, what float16 costs, and whether the order changes a frame.

At most five minutes: filters with their own weights, and others with seeded weights of a published size; then
vs-mlrt and vsbasicvsrpp, where they are installed. Nothing here has been run on a card yet; send what it writes to the
project. On the CPU it only tries itself out, on small pictures.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from threading import Event, Thread

import numpy as np
import torch
import vapoursynth as vs

import vsrestore
from vsrestore.networks.traits import Precision
from vsrestore.onnx_models.session import Provider
from vsrestore.video.frames import plane_views

from . import against, basicvsrpp_peer, video_filters
from .filter_speed import CASES
from .material import moving_clip
from .networks import plain, write_onnx
from .report import Cell, Report, Requirement

SIZES = {"film": (1920, 1080), "tape": (720, 576), "upscale": (1920, 1080), "basicvsrpp": (720, 576)}
OTHERS = (640, 360)
LENGTH = 2000
LIMIT = 240.0
"""Seconds for the filters; what others do then takes no minute."""
COLUMNS = ("filter", "size", "precision", "fps", "busy", "GiB", "largest error", "same in any order")
QUERY = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
LOOKED_AT = (0, 5)
"""Frames whose samples are compared."""

ARGUMENTS: dict[str, dict[str, object]] = {"rvrt": {"sigma": 20}, "tape_reference": {"references": [0, 5, 10, 15, 20]}}
FILTERS = (*CASES, "interpolate", *video_filters.CASES)


@dataclass(frozen=True)
class Trial:
    """What is measured, and for how long."""

    device: str
    half: Precision = "float16"
    """What stands beside float32."""
    seconds: float = 6.0
    """Of a measurement; it ends with a whole frame after that."""
    size: tuple[int, int] | None = None
    """Of all clips, in the place of each filter's own."""

    def clip(self, name: str) -> vs.VideoNode:
        """Return what a filter takes."""
        return moving_clip(LENGTH, *(self.size or SIZES.get(name, OTHERS)), vs.YUV420P8)


def trial_on(device: str) -> Trial:
    """Return how to measure on a device: the CPU is only to show that all of it works."""
    return Trial(device, "bfloat16", 0.2, (64, 64)) if device == "cpu" else Trial(device)


def run(trial: Trial, names: Sequence[str] = FILTERS) -> list[Report]:
    """Measure filters in both precisions until time is up; those left out are told."""
    began = time.monotonic()
    rows: list[Sequence[Cell]] = []
    with TemporaryDirectory() as folder:
        for name in names:
            if time.monotonic() - began > LIMIT:
                rows.append(_untold(name, "no time left"))
            else:
                rows += _measured(name, Path(folder), trial)
        mlrt = _beside_mlrt(trial, Path(folder))
    unlike = sum(row[-1] == "no" for row in rows)
    requirements = [Requirement("filters whose frames depend on the order", unlike, most=0)]
    card = torch.cuda.get_device_name(trial.device) if trial.device.startswith("cuda") else trial.device
    settings: dict[str, object] = {"device": card, "torch": torch.__version__, "seconds": trial.seconds}
    return [Report("card", COLUMNS, rows, requirements, settings), mlrt, *basicvsrpp_peer.run(3)]


def _untold(name: str, why: str) -> Sequence[Cell]:
    return name, *[why] * (len(COLUMNS) - 1)


def _filter(name: str, folder: Path) -> Callable[..., vs.VideoNode]:
    """Return a filter as a function of a clip, a device and a precision, once its weights are written."""
    path = folder / f"{name}.pth"
    if name in CASES:
        against.write_checkpoint(name, folder)
        return lambda clip, **how: CASES[name].filtered(clip, path, **how)
    if name in video_filters.CASES:
        case = video_filters.CASES[name]
        video_filters.write_checkpoint(path, case.network(**case.published))
        return partial(getattr(vsrestore, name), model=path, **ARGUMENTS.get(name, {}))
    return getattr(vsrestore, name)


def _measured(name: str, folder: Path, trial: Trial) -> Iterator[Sequence[Cell]]:
    """Yield the row of a filter in each precision, or what kept it from one."""
    exact: list[np.ndarray] = []
    precisions: tuple[Precision, ...] = ("float32", trial.half)
    for precision in precisions:
        try:
            made, clip = _filter(name, folder), trial.clip(name)
            filtered = partial(made, clip, device=trial.device, precision=precision)
            shown = filtered()
            first = _looked_at(shown, LOOKED_AT)
            exact = exact or first
            error = max(int(np.abs(one.astype(int) - other).max()) for one, other in zip(first, exact, strict=True))
            _forget_peak(trial.device)
            with _utilisation() as shares:
                fps = _fps(shown, trial.seconds)
            memory = _peak(trial.device)
            backwards = _looked_at(filtered(), LOOKED_AT[::-1])[::-1]
        except vs.Error as failure:
            yield _untold(name, str(failure).partition("\n")[0])
            continue
        same = all(map(np.array_equal, first, backwards))
        busy = f"{mean(shares):.0f} %" if shares else "not told"
        size = f"{clip.width}x{clip.height}"
        yield name, size, precision, fps, busy, memory, error, "yes" if same else "no"


def _looked_at(shown: vs.VideoNode, numbers: Sequence[int]) -> list[np.ndarray]:
    """Return all samples of frames, asked for in order."""
    return [np.concatenate([plane.ravel() for plane in plane_views(shown.get_frame(n))]) for n in numbers]


def _fps(shown: vs.VideoNode, seconds: float) -> float:
    began, count = time.monotonic(), 0
    for frame in shown.frames(close=True):
        count += bool(frame)
        if time.monotonic() - began > seconds:
            break
    return count / (time.monotonic() - began)


def _forget_peak(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> Cell:
    """Return the most memory that torch took on a card, in GiB."""
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.startswith("cuda") else "not told"


@contextmanager
def _utilisation() -> Iterator[list[float]]:
    """Lend a list that fills with the shares of time, in percent, in which the first card is busy."""
    shares: list[float] = []
    over = Event()

    def watch() -> None:
        while shutil.which(QUERY[0]) and not over.wait(0.5):
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


def _beside_mlrt(trial: Trial, folder: Path) -> Report:
    """Return the speed of ``onnx`` beside vs-mlrt's on the same model, by provider."""
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
            try:
                rows.append((name, _fps(made(clip), trial.seconds)))
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
