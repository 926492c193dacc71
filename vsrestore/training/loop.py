"""The training loop: steps, log, checkpoints, measuring."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vsrestore.interrupts import check, held_interrupts
from vsrestore.training.clips import Shot
from vsrestore.training.data import batches
from vsrestore.training.errors import TrainingError
from vsrestore.training.files import append_row, drop_rows_after, write
from vsrestore.training.gan import COLUMNS, begin_duel, take_turn
from vsrestore.training.machine import Machine
from vsrestore.training.pictures import plot, sheet
from vsrestore.training.recipe import Recipe
from vsrestore.training.run import Run, export, resume, save, start
from vsrestore.training.schedule import progress_at
from vsrestore.training.step import columns, take_step
from vsrestore.training.tasks import task_of
from vsrestore.training.validate import means, scores

LOG_EVERY = 50  # steps
SAVE_EVERY_S = 300.0
VALIDATION_FRAMES, VALIDATION_SIDE = 5, 256  # of every shot held out: its first frames, their top left corner
STATE, WEIGHTS = "state.pt", "weights.safetensors"
SHEET, CURVES = "sheet.png", "losses.png"
TRAIN, GAN, VALIDATION = "train.csv", "gan.csv", "validation.csv"


class Reporter(Protocol):
    """Who is told how a run goes."""

    def count(self, done: int, total: int) -> None:
        """Take note of the steps done."""

    def tell(self, sentence: str) -> None:
        """Take note of a line of figures."""


def train(
    recipe: Recipe,
    shots: tuple[Sequence[Shot], Sequence[Shot]],
    out: Path,
    *,
    machine: Machine | None = None,
    limit_s: float | None = None,
    workers: int = 1,
    reporter: Reporter | None = None,
) -> Run:
    """Train a recipe to its end, or until the time is over with the schedule complete.

    Args:
        recipe: what to train.
        shots: those to train on and those held out.
        out: an existing folder for state.pt (taken up if there), weights.safetensors, the logs train.csv, gan.csv and
            validation.csv, and the pictures sheet.png and losses.png.
        machine: where and how precisely; the CPU by default, as `safe_precision` says.
        limit_s: seconds for the whole run, counting what a resumed run has spent; the schedule follows the clock then.
        workers: processes that make samples; 0 makes them in this process.
        reporter: is told how the run goes.

    Raises:
        TrainingError: the folder's state cannot be taken up, or a file cannot be written.
        RecipeError, CheckpointError, DataError: the recipe, its checkpoints or the clips cannot be used.
    """
    if limit_s is not None and (recipe.schedule.stages or recipe.gan.steps):
        raise TrainingError("a time limit does not go with stages or a critic, which follow the steps; give --steps")
    run = start(recipe, machine)
    if (out / STATE).is_file():
        resume(run, out / STATE, lambda: begin_duel(run, recipe))
        for name in (TRAIN, GAN, VALIDATION):
            drop_rows_after(out / name, run.step)
    keeper = Keeper(run, recipe, out, shots[1], reporter)
    last = recipe.schedule.steps + recipe.gan.all_steps if recipe.gan.steps else 0
    began, spent_before = time.monotonic(), run.spent_s
    with keeper.saving():
        for batch in batches(shots[0], recipe, run.step, workers, run.machine.pins):
            check()
            run.spent_s = spent_before + time.monotonic() - began
            progress = progress_at(run.step, recipe.schedule.steps, run.spent_s, limit_s)
            if progress >= 1 and run.step >= last:
                break
            with keeper.step():
                losses = _advance(run, recipe, run.machine.take(batch), progress)
                run.step += 1
            keeper.note(losses, progress)
    keeper.keep()
    keeper.measure()
    return run


def _advance(run: Run, recipe: Recipe, batch: list[Tensor], progress: float) -> dict[str, Tensor]:
    """Take a step of the phase in which the run is; returns the losses by name."""
    if progress < 1:
        losses = take_step(run, recipe, batch, progress)
        return dict(zip(columns(recipe, run.criterion), losses, strict=True))
    return take_turn(run, run.duel or begin_duel(run, recipe), recipe, batch)


class Keeper:
    """What writes down how a run goes.

    Args:
        run: the run.
        recipe: its recipe.
        out: the folder of its files.
        held_out: the shots it is measured on.
        reporter: is told the same.
    """

    def __init__(
        self, run: Run, recipe: Recipe, out: Path, held_out: Sequence[Shot], reporter: Reporter | None = None
    ) -> None:
        self.run, self.recipe, self.out, self.held_out, self.reporter = run, recipe, out, held_out, reporter
        self.last = recipe.schedule.steps + recipe.gan.all_steps
        self.saved = time.monotonic()
        self.whole = False

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Save a run that is interrupted, unless in the middle of a step."""
        try:
            yield
        except KeyboardInterrupt:
            if self.whole:
                self.keep()
            raise

    @contextmanager
    def step(self) -> Iterator[None]:
        """Take a step: a first signal waits for its end, a second one does not."""
        self.whole = False
        with held_interrupts():
            yield
            self.whole = True

    def note(self, losses: dict[str, Tensor], progress: float) -> None:
        """Take a step's losses; log, save and measure when it is time."""
        step = self.run.step
        self.run.losses.append(losses)
        if self.reporter:
            steps = self.recipe.schedule.steps
            by_clock = 0 < step / steps < progress < 1
            self.reporter.count(step, round(step / progress) if by_clock else self.last)
        if step % LOG_EVERY == 0 or step == self.recipe.schedule.steps:
            self._log(progress)
        if step % self.recipe.schedule.epoch == 0 and step < self.last:
            self.keep()
            self.measure()
        elif time.monotonic() - self.saved > SAVE_EVERY_S:
            self.keep()

    def keep(self) -> None:
        """Save the state and export the averaged weights."""
        save(self.run, self.out / STATE)
        export(self.run, self.out / WEIGHTS, self.recipe)
        self.saved = time.monotonic()

    def measure(self) -> None:
        """Measure the averaged weights on the shots held out; draw what they do there, and how the losses went."""
        self._validate()
        write(self.out / CURVES, plot([self.out / name for name in (TRAIN, GAN, VALIDATION)]))

    def _validate(self) -> None:
        task, side, device = task_of(self.recipe), VALIDATION_SIDE, self.run.machine.device
        clips = {
            shot.name: shot.read(np.arange(len(shot))[:VALIDATION_FRAMES])[:, :side, :side] for shot in self.held_out
        }
        if not clips:
            return
        network = self.run.average.eval()
        figures = means(list(scores(network, clips, task.cases(), device)), task.heads)
        values = (self.run.step, *(round(figure, 3) for figure in figures.values()))
        append_row(self.out / VALIDATION, ("step", *figures), values)
        write(self.out / SHEET, sheet(network, clips, task.cases(), device))
        self._tell("held out: " + ", ".join(f"{name} {figure:.2f}" for name, figure in figures.items()))

    def _log(self, progress: float) -> None:
        """Write down the means of the losses since the last time."""
        run, in_duel = self.run, self.run.duel is not None
        names = COLUMNS if in_duel else columns(self.recipe, run.criterion)
        by_name = {name: [losses[name] for losses in run.losses if name in losses] for name in names}
        losses = {name: torch.stack(some).mean().item() for name, some in by_name.items() if some}
        run.losses.clear()
        group = run.groups()[-1]
        state = {
            "step": run.step,
            "progress": round(progress, 5),
            "seconds": round(run.spent_s, 1),
            "rate": group["lr"] / group["initial_lr"],
        }
        values = (*state.values(), *(losses.get(name, "") for name in names))
        append_row(self.out / (GAN if in_duel else TRAIN), (*state, *names), values)
        figures = " ".join(f"{name} {loss:.5f}" for name, loss in losses.items())
        done = run.step / self.last if self.recipe.gan.steps else progress
        self._tell(f"{done:.1%} step {run.step} {figures}")

    def _tell(self, sentence: str) -> None:
        if self.reporter:
            self.reporter.tell(sentence)
