"""Filters here beside those of another checkout, say of the commit before a change: whether any has become slower.

Each filter runs in a process of its own for either checkout, as the checkout's command would start it; they take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from operator import truediv
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
import torch
from torch import nn

from vsrestore.networks.basicvsrpp import BasicVSRpp
from vsrestore.networks.edvr import EDVR
from vsrestore.networks.fast_neural_style import TransformerNet
from vsrestore.networks.traits import Precision
from vsrestore.pipeline.programs import PACKAGE_PARENT, allocator

from .filter_speed import CASES
from .material import moving_frames
from .process import Rival
from .published import seeded
from .report import Cell, Report, Requirement
from .timing import rounds

SCRIPTS = Path(__file__).resolve().parents[1]
HERE, THERE = "here", "there"
# Time here over time there.
MOST: dict[Precision, float] = {"float32": 1.1, "bfloat16": 1.03}
COLUMNS = ("filter", "precision", "fps here", "fps there", "time here/there")
TELL_ENVIRONMENT = "import json; from vsrestore.pipeline.programs import environment; print(json.dumps(environment()))"


def _compact() -> nn.Module:
    from spandrel.architectures.Compact import Compact

    return Compact(num_feat=64, num_conv=32, upscale=4)


# Filters without weights of their own -> a network of the size of a published one.
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "basicvsrpp": lambda: BasicVSRpp(channels=64, blocks=15, same_size=True),
    "edvr": lambda: EDVR(channels=64, back_blocks=10),
    "esrgan": _compact,
    "style": TransformerNet,
}
GAIN = 0.7


def run(checkout: Path, cases: Sequence[str], repeats: int, processor: bool = False) -> list[Report]:
    """Time filters here and in another checkout.

    Args:
        checkout: a folder that holds the package vsrestore.
        cases: names of filters.
        repeats: turns of each process that count.
        processor: seconds are those of the processor, with one thread.

    """
    clock = "processor" if processor else "wall"
    rows: list[Sequence[Cell]] = []
    requirements = []
    places = {HERE: environment_of(PACKAGE_PARENT), THERE: environment_of(checkout)}
    with TemporaryDirectory() as folder:
        for name in cases:
            write_checkpoint(name, Path(folder))
            np.save(Path(folder) / f"{name}.npy", moving_frames(CASES[name].width, CASES[name].height))
            for precision, most in MOST.items():
                seconds = _seconds(places, repeats, name, precision, folder, repeats, clock)
                ratio = median(map(truediv, seconds[HERE], seconds[THERE]))
                fps = (CASES[name].frames / median(seconds[place]) for place in places)
                rows.append((name, precision, *fps, ratio))
                requirements.append(Requirement(f"{name}, {precision}: time here over there", ratio, most=most))
    settings: dict[str, object] = {"repeats": repeats, "clock": clock, "checkout": str(checkout)}
    return [Report("against", COLUMNS, rows, requirements, settings)]


def _seconds(places: Mapping[str, Mapping[str, str]], repeats: int, *arguments: object) -> dict[str, list[float]]:
    """Return what a filter takes, by place and round; a place is the environment of its process."""
    with ExitStack() as running:
        rivals = {
            place: running.enter_context(Rival("filter_speed", *arguments, environment=environment))
            for place, environment in places.items()
        }
        return rounds(rivals, repeats, lambda rival: cast("float", rival()))


def environment_of(checkout: Path) -> dict[str, str]:
    """Return the environment in which the command of a checkout starts vspipe, with these benchmarks on the path.

    Settings of memory are the checkout's own, whatever this process was started with.
    """
    mine = {name: value for name, value in os.environ.items() if name not in allocator()}
    paths = {"PYTHONPATH": os.pathsep.join(map(str, (checkout, SCRIPTS))), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", TELL_ENVIRONMENT]
    told = subprocess.run(command, env={**mine, **paths}, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(told))


def write_checkpoint(name: str, folder: Path) -> None:
    """Save seeded weights for a filter that has none of its own, as ``folder/NAME.pth``."""
    if name in NETWORKS:
        torch.save(seeded(NETWORKS[name](), GAIN).state_dict(), folder / f"{name}.pth")
