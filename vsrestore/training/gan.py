"""The adversarial phase after the training proper, short so that it invents little ("NoGAN" of DeOldify).

First the critic learns alone to tell what the trained network gives from the truth; then both take turns.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vsrestore.training.critic import Critic, Duel, adversarial_loss, adversary, critic_loss
from vsrestore.training.recipe import Recipe
from vsrestore.training.run import Run
from vsrestore.training.step import descend, head_terms, restore

COLUMNS = ("critic", "adversarial", "content")
"""What of a step is logged: the critic's loss in its turn, the two parts of the network's loss in the other."""


def begin_duel(run: Run, recipe: Recipe) -> Duel:
    """Give a run a critic with random weights, and an optimiser for the adversarial phase."""
    critic = Critic(recipe.gan.width).to(run.machine.device)
    optimiser = adversary(critic.parameters(), recipe.gan.first_rate)
    for parameter in run.network.parameters():
        parameter.requires_grad_(True)
    run.optimisers = [adversary(run.network.parameters(), recipe.gan.rate)]
    run.duel = Duel(critic, optimiser, run.machine.scaler())
    return run.duel


def take_turn(run: Run, duel: Duel, recipe: Recipe, batch: list[Tensor]) -> dict[str, Tensor]:
    """Take one step of the side whose turn it is.

    Args:
        run: the run, past its training proper.
        duel: its adversarial phase.
        recipe: its recipe.
        batch: tensors (N, T, C, H, W) on the run's device, what is seen first.

    Returns:
        Some of `COLUMNS`.
    """
    alone = run.step < recipe.schedule.steps + recipe.gan.critic_steps
    for group in duel.optimiser.param_groups:
        group["lr"] = recipe.gan.first_rate if alone else recipe.gan.critic_rate
    if duel.networks_turn:
        parts = _networks_turn(run, duel, recipe, batch)
        duel.networks_turn = False
        return parts
    loss = _critics_turn(run, duel, recipe, batch)
    if not alone:
        duel.switch(float(loss), recipe.gan.threshold)
    return {"critic": loss}


def _critics_turn(run: Run, duel: Duel, recipe: Recipe, batch: list[Tensor]) -> Tensor:
    with torch.no_grad():
        restored, truth = _pictures(restore(run, batch)[-1], recipe)
    with run.machine.autocast():
        judged = duel.critic.train()(torch.cat((truth, restored)))
    loss = critic_loss(*judged.float().chunk(2))
    duel.critic.zero_grad()
    duel.scaler.scale(loss).backward()
    duel.scaler.step(duel.optimiser)
    duel.scaler.update()
    return loss.detach()


def _networks_turn(run: Run, duel: Duel, recipe: Recipe, batch: list[Tensor]) -> dict[str, Tensor]:
    pairs = restore(run, batch)
    content = torch.stack([term for head in head_terms(run, recipe, pairs, 1.0) for term in head.values()]).sum()
    duel.critic.requires_grad_(False)
    with run.machine.autocast():
        judged = duel.critic.train()(_pictures(pairs[-1], recipe)[0])
    adversarial = adversarial_loss(judged.float())
    descend(run, recipe.gan.adversarial * adversarial + recipe.gan.content * content, recipe)
    duel.critic.requires_grad_(True)
    return {"adversarial": adversarial.detach(), "content": content.detach()}


def _pictures(pair: tuple[Tensor, Tensor], recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Restored frames and the truth, without the margin of the crop, as pictures (N * K, 3, h, w)."""
    inner = slice(recipe.data.margin, pair[1].shape[-1] - recipe.data.margin)
    restored, truth = (frames[..., inner, inner].flatten(0, 1).float() for frames in pair)
    return restored, truth
