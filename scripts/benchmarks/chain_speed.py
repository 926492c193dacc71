"""A whole chain of filters beside its steps one by one, each on a clip of the size that the chain would give it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import vapoursynth as vs

from vsrestore.pipeline.script import FilterCall, applied, parse_filter, resolved
from vsrestore.recipes.choice import chosen, filters_to_run
from vsrestore.recipes.recipe import of_steps
from vsrestore.runtime.descriptor import Precision

from .material import moving_clip
from .report import Report, Requirement
from .timing import Measure, Run, drain, rounds, successive

WIDTH, HEIGHT, FPS = 720, 480, 30
MOST = 1.1
CHAIN = "chain"
# Frames that are asked for before anything counts: networks are loaded with the first. Whole chunks of every step.
LOADING = 16


def run(seconds: float, steps: str, precision: Precision, repeats: int, measure: Measure) -> list[Report]:
    """Time the chain on a clip of so many seconds, and every step on as many frames as it gets in the chain."""
    recipe = of_steps(steps)
    calls = [resolved(parse_filter(text), {"precision": precision}) for text in filters_to_run(recipe, chosen(recipe))]
    frames, runs = round(seconds * FPS), repeats + 1
    made = moving_clip(runs * frames + LOADING, WIDTH, HEIGHT, vs.YUV420P8)
    parts: dict[str, Run] = {}
    sizes: dict[str, str] = {}
    chain = made
    for call in calls:
        rate = chain.num_frames / made.num_frames
        name, size = _distinct(call.name, parts), (chain.width, chain.height)
        alone = moving_clip(chain.num_frames, *size, vs.YUV420P8)
        parts[name] = _loaded(partial(applied, call), alone, round(frames * rate), round(LOADING * rate))
        sizes[name] = f"{size[0]}x{size[1]}"
        chain = applied(call, chain)
    rate = chain.num_frames / made.num_frames
    parts[CHAIN] = _loaded(lambda clip: chain, made, round(frames * rate), round(LOADING * rate))
    return [_report(rounds(parts, repeats, measure, warm_up=False), sizes, calls, frames, precision)]


def _report(
    taken: dict[str, list[float]], sizes: dict[str, str], calls: list[FilterCall], frames: int, precision: str
) -> Report:
    whole = taken.pop(CHAIN)
    rows = [(name, sizes[name], min(seconds), frames / min(seconds)) for name, seconds in taken.items()]
    total = sum(min(seconds) for seconds in taken.values())
    rows += [("sum", "", total, frames / total), (CHAIN, sizes[next(iter(sizes))], min(whole), frames / min(whole))]
    requirement = Requirement("chain over the sum of its steps", min(whole) / total, most=MOST)
    settings: dict[str, object] = {"calls": list(map(str, calls)), "frames": frames, "precision": precision}
    columns = ("step", "input", "seconds", "source frames per second")
    return Report("chain", columns, rows, [requirement], settings, details={**taken, CHAIN: whole})


def _loaded(filtered: Callable[[vs.VideoNode], vs.VideoNode], clip: vs.VideoNode, frames: int, loading: int) -> Run:
    """Return a run that takes the next frames of a filtered clip each time, its networks loaded before."""
    made = filtered(clip)
    drain(made[:loading])
    return successive(made[loading:], frames)


def _distinct(name: str, known: dict[str, Run]) -> str:
    return name if name not in known else f"{name} {sum(each.startswith(name) for each in known) + 1}"
