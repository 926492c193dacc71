"""How much of a bare network's speed the same network has as a filter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import truediv
from statistics import median

import torch
from torch import Tensor, nn

from vsrestore.devices.cpu import THREADS
from vsrestore.devices.parts import Networks
from vsrestore.filters.film import DESCRIPTOR as FILM
from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.window import Window

from .material import moving_clip, moving_frames
from .networks import plain
from .report import Report, Requirement
from .timing import Run, rounds, successive

WIDTH, HEIGHT = 640, 480
SHARE = 0.95
CASES: dict[str, tuple[Descriptor, Callable[[], nn.Module]]] = {
    "single image": (Descriptor(name="plain"), plain),
    "5-frame window": (FILM.changed(name="film network"), TemporalUNet),
}


def run(chunks: int, repeats: int) -> list[Report]:
    """Compare a network on single images and one on windows of five frames, 640x480 RGBS, float32, round by round."""
    rows, requirements = [], []
    for name, (descriptor, build) in CASES.items():
        count = chunks * descriptor.plan.chunk
        clip = moving_clip(count * (repeats + 1), WIDTH, HEIGHT)
        filtered = apply(clip, Stage(descriptor=descriptor, build=build), Options(device="cpu"))
        seconds = rounds({"bare": bare(build, descriptor, chunks), "filter": successive(filtered, count)}, repeats)
        share = median(map(truediv, seconds["bare"], seconds["filter"]))
        rows.append((name, *(count / median(taken) for taken in seconds.values()), share))
        requirements.append(Requirement(f"filter over bare, {name}", share, least=SHARE))
    settings: dict[str, object] = {"chunks": chunks, "repeats": repeats}
    return [Report("overhead", ("network", "bare fps", "filter fps", "share"), rows, requirements, settings)]


def bare(build: Callable[[], nn.Module], descriptor: Descriptor, chunks: int) -> Run:
    """Return a run that gives the network its chunks as tensors, with nothing around it.

    It is built as a filter builds it, and both that and the run are in the runtime's thread: a second set of torch's
    threads would slow both down.
    """
    network = THREADS.run(partial(Networks(build, lambda: torch.device("cpu")).get, "float32"))
    plan = descriptor.plan
    seen = sum(plan.reach) + plan.chunk
    frames = torch.from_numpy(moving_frames(WIDTH, HEIGHT)[:seen]).permute(0, 3, 1, 2)
    inputs: tuple[Tensor, ...] = (frames,)
    if isinstance(plan, Window):
        table = torch.arange(plan.chunk)[:, None] + torch.arange(plan.before + 1 + plan.after)
        inputs = (frames.unsqueeze(0), table)

    def calls() -> None:
        with torch.inference_mode():
            for _ in range(chunks):
                network(*inputs)

    return lambda: THREADS.run(calls)
