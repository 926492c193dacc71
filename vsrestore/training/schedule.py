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


def flow_weight_at(progress: float, loss: LossRecipe) -> float:
    """Weight of the warp error: falls as a cosine from `flow` to `flow_end`, then stays."""
    share = min(progress / max(loss.flow_share, 1e-9), 1.0)
    return loss.flow_end + (loss.flow - loss.flow_end) * 0.5 * (1 + math.cos(math.pi * share))


def psnr_weight_at(progress: float, loss: LossRecipe) -> float:
    """Weight of the logarithmic error: nothing until `psnr_from`, then up to `psnr` within a tenth of the run."""
    return loss.psnr * min(max((progress - loss.psnr_from) / 0.1, 0.0), 1.0)
