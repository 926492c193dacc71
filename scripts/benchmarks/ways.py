"""Several ways to run one network on one input, side by side: how long each takes, how far its picture is off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from .report import Cell, Requirement
from .timing import Measure, duration, medians

Way = Callable[[], Tensor]

COLUMNS = ("network", "way", "seconds per frame", "against the last", "against published", "difference")
LARGEST_DIFFERENCE = 1e-4
"""Between float32 pictures, of the largest value."""


class Bound(NamedTuple):
    """What a way must reach."""

    speed: float
    """Times as fast as published."""

    difference: float | None = LARGEST_DIFFERENCE


class Compared(NamedTuple):
    """What came of a comparison."""

    rows: list[Sequence[Cell]]
    """In the order of ``COLUMNS``."""

    requirements: list[Requirement]


def compare(
    network: str,
    ways: Mapping[str, Way],
    frames: int,
    bounds: Mapping[str, Bound],
    repeats: int,
    measure: Measure = duration,
) -> Compared:
    """Time ways that make the same frames, the published one first.

    Args:
        network: its name in the table.
        ways: what each is called, and a run of it that returns its pictures.
        frames: that one run makes.
        bounds: what a way must reach, by its name.
        repeats: runs of each way that count.
        measure: how long a run took.

    """
    pictures: dict[str, Tensor] = {}

    def keep(name: str) -> None:
        pictures[name] = ways[name]()

    with torch.inference_mode():
        seconds = medians({name: partial(keep, name) for name in ways}, repeats, measure)
    published, before = next(iter(ways)), next(iter(ways))
    rows: list[Sequence[Cell]] = []
    requirements: list[Requirement] = []
    for name in ways:
        difference = largest_difference(pictures[name], pictures[published])
        speed, step = seconds[published] / seconds[name], seconds[before] / seconds[name]
        rows.append((network, name, seconds[name] / frames, step, speed, f"{difference:.1e}"))
        if name in bounds:
            requirements += _required(f"{network}, {name}", bounds[name], speed, difference)
        before = name
    return Compared(rows, requirements)


def conditions(repeats: int, measure: Measure, sizes: Mapping[str, str]) -> dict[str, object]:
    """Return what the figures of a comparison depend on."""
    return {"repeats": repeats, "threads": torch.get_num_threads(), "clock": measure.__name__, "sizes": dict(sizes)}


def _required(what: str, bound: Bound, speed: float, difference: float) -> list[Requirement]:
    required = [Requirement(f"{what}: times as fast as published", speed, least=bound.speed)]
    if bound.difference is not None:
        of = f"{what}: largest difference over {bound.difference:g} of the largest value"
        required.append(Requirement(of, difference / bound.difference, most=1.0))
    return required


def largest_difference(one: Tensor, other: Tensor) -> float:
    """Return the largest difference, relative to the largest value of ``other``."""
    return float((one - other).abs().max() / other.abs().max())
