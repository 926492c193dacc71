"""How learning rate and loss weights change over a run. Progress is 0 at its start and 1 at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vsrestore.training.recipe import LossRecipe, Recipe, ScheduleRecipe, StageRecipe

START, END = 1 / 25, 1 / 250_000  # of the highest rate, where a cycle begins and ends
BETAS = (0.95, 0.85)  # AdamW's memory of gradients, where the rate is low and where it is high
EARLIER = 0.1  # of the last layers' rate


@dataclass(frozen=True)
class Span:
    """Steps with the same crop and batch: a stage, or a whole run without stages.

    first_step, steps: which. first_sample: number of its first new sample. crop: in px. batch: samples of a step.
    fresh: how many of them are new.
    """

    first_step: int
    steps: int
    first_sample: int
    crop: int
    batch: int
    fresh: int
    stage: StageRecipe | None = None

    def position(self, step: int) -> float:
        """How far the span is at a step, 0 to 1."""
        return min((step - self.first_step) / max(self.steps, 1), 1.0)


def spans(recipe: Recipe) -> tuple[Span, ...]:
    """Divide a run's steps at its stages; the last span has no end."""
    schedule = recipe.schedule
    if not schedule.stages:
        return (Span(0, schedule.steps, 0, recipe.data.crop, schedule.batch, schedule.fresh),)
    parts: list[Span] = []
    share = first_step = first_sample = 0.0
    for stage in schedule.stages:
        share += stage.share
        steps, fresh = round(share * schedule.steps) - int(first_step), stage.fresh or stage.batch
        parts.append(Span(int(first_step), steps, int(first_sample), stage.crop, stage.batch, fresh, stage))
        first_step, first_sample = first_step + steps, first_sample + steps * fresh
    return tuple(parts)


def span_at(spans: Sequence[Span], step: int) -> Span:
    """The span of a step."""
    return next((span for span in reversed(spans) if span.first_step <= step), spans[0])


def span_of_sample(spans: Sequence[Span], number: int) -> Span:
    """The span in which a sample is new."""
    return next((span for span in reversed(spans) if span.first_sample <= number), spans[0])


def one_cycle(position: float, rising: float) -> tuple[float, float]:
    """Share of the highest rate, and AdamW's first beta, at a position of a stage, 0 to 1: half cosines up and down.

    Source:
        Smith, A disciplined approach to neural network hyper-parameters, 2018, as fastai 1 does it.
    """
    if position < rising:
        part = _half_cosine(position / rising)
        return START + (1 - START) * part, BETAS[0] + (BETAS[1] - BETAS[0]) * part
    part = _half_cosine((position - rising) / (1 - rising))
    return 1 + (END - 1) * part, BETAS[1] + (BETAS[0] - BETAS[1]) * part


def _half_cosine(position: float) -> float:
    return 0.5 * (1 - math.cos(math.pi * position))


def highest_rates(rates: Sequence[float], groups: int) -> list[float]:
    """The highest rates of groups of layers, first to last, from one or two numbers of a recipe."""
    if len(rates) == 1:
        return [rates[0] * EARLIER] * (groups - 1) + [rates[0]]
    return [float(rate) for rate in np.geomspace(rates[0], rates[-1], groups)] if groups > 1 else [rates[-1]]


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
