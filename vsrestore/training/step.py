"""One step of training: losses, gradients, optimisers, moving average."""

from __future__ import annotations

import logging

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.training.losses import Criterion
from vsrestore.training.optimiser import freeze
from vsrestore.training.recipe import Recipe, RecipeError
from vsrestore.training.run import Run
from vsrestore.training.schedule import floor_at, highest_rates, one_cycle, rate_at, span_at, spans
from vsrestore.training.task import Marking
from vsrestore.training.tasks import task_of
from vsrestore.training.windows import training_windows

log = logging.getLogger(__name__)


def take_step(run: Run, recipe: Recipe, batch: list[Tensor], progress: float) -> Tensor:
    """Take one step of all optimisers.

    Args:
        run: the run.
        recipe: its recipe.
        batch: tensors (N, T, C, H, W) on the run's device, what is seen first.
        progress: of the run, 0 to 1.

    Returns:
        The losses in the order of ``columns``.
    """
    set_rates(run, recipe, progress)
    losses = _losses(run, recipe, batch, progress)
    descend(run, losses[0], recipe)
    return losses.detach()


def set_rates(run: Run, recipe: Recipe, progress: float) -> None:
    """Give every group of parameters its rate, and let rest what is frozen."""
    span = span_at(spans(recipe), run.step)
    groups = run.groups()
    if span.stage is None or not span.stage.rates:
        share = rate_at(run.step, progress, recipe.schedule)
        for group in groups:
            group["lr"] = group["initial_lr"] * share
    else:
        share, beta = one_cycle(span.position(run.step), span.stage.rising)
        for group, highest in zip(groups, highest_rates(span.stage.rates, len(groups)), strict=True):
            group["lr"], group["betas"] = highest * share, (beta, group["betas"][1])
    if span.stage is not None:
        freeze(run.network, span.stage.frozen)


def descend(run: Run, loss: Tensor, recipe: Recipe) -> None:
    """Move the network's weights against the gradient of a loss, and their average after them."""
    run.network.zero_grad()
    run.scaler.scale(loss).backward()
    for optimiser in run.optimisers:
        run.scaler.unscale_(optimiser)
    norm = nn.utils.clip_grad_norm_(run.network.parameters(), recipe.schedule.clip or torch.inf)
    if torch.isfinite(norm):
        for optimiser in run.optimisers:
            optimiser.step()
    elif not run.scaler.is_enabled():  # a scaler tries how far it can go; it is told below
        log.warning("step %d: the gradient is not finite; the step is left out", run.step)
    run.scaler.update()
    decay = min(recipe.schedule.average, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        torch._foreach_lerp_(list(run.average.parameters()), list(run.network.parameters()), 1 - decay)
        for kept, current in zip(run.average.buffers(), run.network.buffers(), strict=True):
            kept.copy_(current)  # statistics of batch norms are averages already


def _losses(run: Run, recipe: Recipe, batch: list[Tensor], progress: float) -> Tensor:
    """The loss and its parts in the order of ``columns``."""
    pairs, missed = _restored_and_missed(run, recipe, batch)
    terms = head_terms(run, recipe, pairs, progress)
    heads = [torch.stack(list(head.values())).sum() for head in terms]
    kinds = torch.stack([torch.stack(list(head.values())) for head in terms]).sum(0)
    return torch.cat(
        ((torch.stack(heads).sum() + missed)[None], torch.stack(heads), kinds if len(kinds) > 1 else kinds[:0])
    )


def _restored_and_missed(run: Run, recipe: Recipe, batch: list[Tensor]) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Return what ``restore`` does, and the weighted loss of the marks: nought where the recipe asks for none."""
    if not recipe.loss.marks:
        return restore(run, batch), batch[0].new_zeros(())
    seen, *targets, marks = batch
    network = run.network.train()
    if not isinstance(network, Marking) or not recipe.data.marks:
        raise RecipeError("loss.marks: needs a network that says where damage lies, and marks = true in the data")
    windows = training_windows(network, seen.shape[1], run.step)
    with run.machine.autocast():
        restored, logits = network.restore_and_mark(seen, windows)
    centres = windows[:, windows.shape[1] // 2]
    truth = F.adaptive_avg_pool2d(marks[:, centres].flatten(0, 1), (logits.shape[-2], logits.shape[-1]))
    missed = F.binary_cross_entropy_with_logits(logits.float().flatten(0, 1), truth)
    pairs = [(ours, target[:, centres]) for ours, target in zip(restored, targets, strict=True)]
    return pairs, recipe.loss.marks * missed


def restore(run: Run, batch: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return what every head makes of a batch and what it should, (N, K, 3, H, W) each."""
    seen, *targets = batch
    windows = training_windows(run.network, seen.shape[1], run.step)
    with run.machine.autocast():
        restored = run.network.train().restore(seen, windows)
    centres = windows[:, windows.shape[1] // 2]
    return [(ours, truth[:, centres]) for ours, truth in zip(restored, targets, strict=True)]


def head_terms(
    run: Run, recipe: Recipe, pairs: list[tuple[Tensor, Tensor]], progress: float
) -> list[dict[str, Tensor]]:
    """Return the weighted terms of the loss for every head, without the margin of the crop."""
    floor, margin = floor_at(progress, recipe.loss), recipe.data.margin
    inner = slice(margin, pairs[0][1].shape[-1] - margin)
    consecutive = recipe.data.frames - 2 * run.network.radius
    return [run.criterion(o[..., inner, inner], truth[..., inner, inner], floor, consecutive) for o, truth in pairs]


def columns(recipe: Recipe, criterion: Criterion) -> tuple[str, ...]:
    """What of a step is logged: the loss, the share of every head, and that of every term where there are several."""
    terms = criterion.names
    return ("loss", *task_of(recipe).heads, *(terms if len(terms) > 1 else ()))
