"""The training loop: steps, moving average, log, checkpoints, resuming."""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.networks.temporal_upscaler import TemporalUpscaler
from vsrestore.runtime.windows import window
from vsrestore.training.clips import Shot
from vsrestore.training.data import batches
from vsrestore.training.feature_loss import load_feature_loss
from vsrestore.training.losses import Criterion
from vsrestore.training.optimiser import optimisers
from vsrestore.training.recipe import Recipe
from vsrestore.training.schedule import floor_at, progress_at, rate_at
from vsrestore.training.tasks import task_of
from vsrestore.training.validate import BORDER, means, scores

LOG_EVERY = 50  # steps
SAVE_EVERY_S = 300.0
VALIDATION_FRAMES, VALIDATION_SIDE = 5, 256  # of every shot held out: its first frames, their top left corner
log = logging.getLogger(__name__)

Trained = TemporalUNet | TemporalUpscaler
LAST_LAYERS = ("weigh", "add")
NETWORKS: dict[str, Callable[..., Trained]] = {"temporal_unet": TemporalUNet, "temporal_upscaler": TemporalUpscaler}
"""What a recipe may train, by the name of its file in `vsrestore.networks`."""


@dataclass
class Run:
    """A run in progress: the network, its moving average, what it is measured by, the optimisers, steps and seconds."""

    network: Trained
    average: Trained
    criterion: Criterion
    optimisers: list[torch.optim.Optimizer]
    step: int = 0
    spent_s: float = 0.0


def start(recipe: Recipe) -> Run:
    """A new run with weights drawn from the recipe's seed."""
    torch.manual_seed(recipe.seed)
    network, average = (build(recipe).to(memory_format=torch.channels_last) for _ in range(2))
    average.load_state_dict(network.state_dict())
    average.requires_grad_(False).eval()
    feature = load_feature_loss(recipe.loss.vgg16, recipe.loss.feature_mse) if recipe.loss.feature else None
    return Run(network, average, Criterion(recipe.loss, feature), optimisers(network, LAST_LAYERS, recipe.schedule))


def build(recipe: Recipe) -> Trained:
    """The network of a recipe, with random weights."""
    return NETWORKS[recipe.network.architecture](**recipe.network.settings)


def save(run: Run, path: Path) -> None:
    """Write everything that resuming needs, under a temporary name first."""
    state = {
        "network": run.network.state_dict(),
        "average": run.average.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in run.optimisers],
        "step": run.step,
        "spent_s": run.spent_s,
    }
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def resume(run: Run, path: Path) -> None:
    """Take up a run where `save` left it."""
    state: dict[str, Any] = torch.load(path, weights_only=True)
    run.network.load_state_dict(state["network"])
    run.average.load_state_dict(state["average"])
    for optimiser, kept in zip(run.optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(kept)
    run.step, run.spent_s = state["step"], state["spent_s"]


def export(run: Run, path: Path, recipe: Recipe) -> None:
    """Write the averaged weights as float32 safetensors, named by architecture and task."""
    tensors = {name: tensor.float().contiguous() for name, tensor in run.average.state_dict().items()}
    save_file(tensors, path, metadata={"architecture": recipe.network.architecture, "task": recipe.task})


def train(
    recipe: Recipe,
    shots: tuple[Sequence[Shot], Sequence[Shot]],
    out: Path,
    *,
    limit_s: float | None = None,
    workers: int = 1,
    report: Callable[[float, str], None] = lambda _progress, _line: None,
) -> Run:
    """Train a recipe to its end, or until the time is over with the schedule complete.

    Args:
        recipe: what to train.
        shots: those to train on and those held out.
        out: an existing folder for state.pt (taken up if there), train.csv, validation.csv and weights.safetensors.
        limit_s: seconds for the whole run, counting what a resumed run has spent; the schedule follows the clock then.
        workers: processes that make samples; 0 makes them in this process.
        report: is told the progress (0 to 1) and a line of figures.
    """
    run = start(recipe)
    state = out / "state.pt"
    if state.is_file():
        resume(run, state)
    began = last_save = time.monotonic()
    spent_before = run.spent_s
    sums: list[Tensor] = []
    for batch in batches(shots[0], recipe, run.step, workers):
        run.spent_s = spent_before + time.monotonic() - began
        progress = progress_at(run.step, recipe.schedule.steps, run.spent_s, limit_s)
        if progress >= 1:
            break
        sums.append(_step(run, recipe, batch, progress))
        run.step += 1
        if run.step % LOG_EVERY == 0:
            report(progress, _log(run, recipe, out, progress, sums))
            sums.clear()
        if time.monotonic() - last_save > SAVE_EVERY_S:
            _keep(run, recipe, out, shots[1], report, progress)
            last_save = time.monotonic()
    _keep(run, recipe, out, shots[1], report, 1.0)
    return run


def _step(run: Run, recipe: Recipe, batch: list[Tensor], progress: float) -> Tensor:
    """One optimiser step; returns the losses in the order of ``columns``."""
    share = rate_at(run.step, progress, recipe.schedule)
    for group in (group for optimiser in run.optimisers for group in optimiser.param_groups):
        group["lr"] = group["initial_lr"] * share
    losses = _losses(run, recipe, batch, progress)
    run.network.zero_grad()
    losses[0].backward()
    norm = nn.utils.clip_grad_norm_(run.network.parameters(), recipe.schedule.clip)
    if torch.isfinite(norm):
        for optimiser in run.optimisers:
            optimiser.step()
    else:
        log.warning("step %d: the gradient is not finite; the step is left out", run.step)
    decay = min(recipe.schedule.average, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        torch._foreach_lerp_(list(run.average.parameters()), list(run.network.parameters()), 1 - decay)
    return losses.detach()


def ends(count: int, radius: int, step: int) -> tuple[int, int]:
    """One of the first ``radius`` of ``count`` frames and one of the last, others at every step."""
    return step % radius, count - 1 - (step + 1) % radius


def _losses(run: Run, recipe: Recipe, batch: list[Tensor], progress: float) -> Tensor:
    """The loss and its parts in the order of ``columns``."""
    seen, *targets = batch
    radius, count = run.network.radius, seen.shape[1]
    centres = [*range(radius, count - radius), *ends(count, radius, run.step)]
    windows = torch.tensor([window(centre, count, radius, radius, BORDER) for centre in centres])
    with torch.autocast("cpu", torch.bfloat16):
        restored = run.network.train().restore(seen, windows)
    floor, margin = floor_at(progress, recipe.loss), recipe.data.margin
    inner = slice(margin, targets[0].shape[-1] - margin)
    pairs = zip(restored, targets, strict=True)
    terms = [
        run.criterion(ours[..., inner, inner], truth[:, centres][..., inner, inner], floor, count - 2 * radius)
        for ours, truth in pairs
    ]
    heads = [torch.stack(list(head.values())).sum() for head in terms]
    kinds = torch.stack([torch.stack(list(head.values())) for head in terms]).sum(0)
    return torch.cat((torch.stack(heads).sum()[None], torch.stack(heads), kinds if len(kinds) > 1 else kinds[:0]))


def columns(recipe: Recipe, criterion: Criterion) -> tuple[str, ...]:
    """What of a step is logged: the loss, the share of every head, and that of every term where there are several."""
    terms = criterion.names
    return ("loss", *task_of(recipe).heads, *(terms if len(terms) > 1 else ()))


def _log(run: Run, recipe: Recipe, out: Path, progress: float, sums: list[Tensor]) -> str:
    means = torch.stack(sums).mean(0).tolist()
    rate = rate_at(run.step, progress, recipe.schedule)
    names = columns(recipe, run.criterion)
    values = (run.step, round(progress, 5), round(run.spent_s, 1), rate, *means)
    append_row(out / "train.csv", ("step", "progress", "seconds", "rate", *names), values)
    return f"step {run.step} " + " ".join(f"{name} {mean:.5f}" for name, mean in zip(names, means, strict=True))


def append_row(path: Path, columns: Sequence[str], values: Sequence[object]) -> None:
    """Add a row to a CSV file, with a head line if the file is new."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(columns)
        writer.writerow(values)


def _keep(
    run: Run,
    recipe: Recipe,
    out: Path,
    held_out: Sequence[Shot],
    report: Callable[[float, str], None],
    progress: float,
) -> None:
    """Save the state, export the averaged weights, and measure them on the shots held out."""
    save(run, out / "state.pt")
    export(run, out / "weights.safetensors", recipe)
    side = VALIDATION_SIDE
    clips = {shot.name: shot.read(np.arange(len(shot))[:VALIDATION_FRAMES])[:, :side, :side] for shot in held_out}
    rows = list(scores(run.average.eval(), clips, task_of(recipe).cases()))
    if not rows:
        return
    figures = means(rows, task_of(recipe).heads)
    append_row(out / "validation.csv", ("step", *figures), (run.step, *(round(f, 3) for f in figures.values())))
    report(progress, "held out: " + ", ".join(f"{name} {figure:.2f}" for name, figure in figures.items()))
