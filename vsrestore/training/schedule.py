"""How learning rate and loss weights change over a run. Progress is 0 at its start and 1 at its end."""

from __future__ import annotations

import math

from vsrestore.training.recipe import LossRecipe, ScheduleRecipe


def progress_at(step: int, steps: int, elapsed_s: float = 0.0, limit_s: float | None = None) -> float:
    """How far a run is: by steps, or by the clock where that is further ahead.

    So a run with a time limit ends with its schedule complete.
    """
    by_steps = step / steps
    return by_steps if limit_s is None else max(by_steps, elapsed_s / limit_s)


def rate_at(step: int, progress: float, schedule: ScheduleRecipe) -> float:
    """Learning rate: linear warm-up over the first steps, cosine to zero over the whole run."""
    warm = min(1.0, (step + 1) / max(schedule.warmup, 1))
    return schedule.rate * warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def floor_at(progress: float, loss: LossRecipe) -> float:
    """Floor of the logarithmic error: falls geometrically from `floor` to `floor_end`."""
    return float(loss.floor * (loss.floor_end / loss.floor) ** min(progress, 1.0))
