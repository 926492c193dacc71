"""How learning rate and loss weights change over a run. Progress is 0 at its start and 1 at its end."""

from __future__ import annotations

import math

import numpy as np

from vsrestore.training.recipe import LossRecipe, ScheduleRecipe


def progress_at(step: int, steps: int, elapsed_s: float = 0.0, limit_s: float | None = None) -> float:
    """How far a run is: by steps, or by the clock where that is further ahead.

    So a run with a time limit ends with its schedule complete.
    """
    by_steps = step / steps
    return by_steps if limit_s is None else max(by_steps, elapsed_s / limit_s)


def rate_at(step: int, progress: float, schedule: ScheduleRecipe) -> float:
    """Share of the learning rates: linear warm-up over the first steps, cosine from 1 to 0 over the whole run."""
    warm = min(1.0, (step + 1) / max(schedule.warmup, 1))
    return warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def floor_at(progress: float, loss: LossRecipe) -> float:
    """Floor of the logarithmic error: geometric between the points of the recipe."""
    places, floors = zip(*loss.floors, strict=True)
    return math.exp(float(np.interp(progress, places, np.log(floors))))
