"""The adversarial phase: the critic, its loss by hand, whose turn it is, and a small run of all phases."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vsrestore.training import loop
from vsrestore.training.clips import DecodedShot
from vsrestore.training.critic import Critic, Duel, adversarial_loss, adversary, critic_loss
from vsrestore.training.data import batches
from vsrestore.training.errors import TrainingError
from vsrestore.training.gan import begin_duel, take_turn
from vsrestore.training.recipe import (
    DataRecipe,
    GanRecipe,
    LossRecipe,
    NetworkRecipe,
    Recipe,
    RecipeError,
    ScheduleRecipe,
    read_recipe,
)
from vsrestore.training.run import start

RECIPE = Recipe(
    "film",
    network=NetworkRecipe(settings={"widths": [8, 8, 8], "blocks": [1, 0, 0, 0, 0]}),
    data=DataRecipe(crop=80, frames=5, margin=8),
    loss=LossRecipe(log=0.0, l1=1.0),
    schedule=ScheduleRecipe(steps=2, batch=1, warmup=1),
    gan=GanRecipe(critic_steps=2, steps=4, threshold=9.0, width=8),
)


@pytest.fixture(scope="module")
def shots():
    frames = np.random.default_rng(0).integers(0, 256, (6, 96, 96, 3), dtype=np.uint8)
    return [DecodedShot("a", "a", frames)], []


def test_losses_are_the_cross_entropies_that_the_hand_gives():
    """A critic that gives true ones 0.9 and 0.6, restored ones 0.2: -ln of each probability of being right."""
    logit = lambda p: math.log(p / (1 - p))  # noqa: E731
    true, restored = torch.tensor([[logit(0.9)], [logit(0.6)]]), torch.tensor([[logit(0.2)]])
    expected = (-(math.log(0.9) + math.log(0.6)) / 2 - math.log(0.8)) / 2
    assert float(critic_loss(true, restored)) == pytest.approx(expected)
    assert float(adversarial_loss(restored)) == pytest.approx(-math.log(0.2))


def test_the_turn_is_the_networks_once_when_the_critic_is_good_enough():
    duel = Duel(Critic(4), adversary(iter([torch.nn.Parameter(torch.zeros(1))]), 1e-3), torch.amp.GradScaler("cpu"))
    duel.switch(0.66, 0.65)
    assert not duel.networks_turn
    duel.switch(0.64, 0.65)
    assert duel.networks_turn
    duel.switch(0.1, 0.65)
    assert not duel.networks_turn


def test_the_critic_judges_every_place_and_learns():
    torch.manual_seed(0)
    critic = Critic(8)
    assert critic(torch.rand(2, 3, 64, 64)).shape == (2, 1)
    assert critic(torch.rand(1, 3, 96, 80)).shape == (1, 3 * 2)
    optimiser = adversary(critic.parameters(), 1e-3)
    true, restored = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64) * 0.2
    losses = []
    for _ in range(12):
        loss = critic_loss(critic(true), critic(restored))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


def test_the_networks_loss_is_the_weighted_sum(shots, monkeypatch):
    run = start(RECIPE)
    run.step = 5
    duel = begin_duel(run, RECIPE)
    duel.networks_turn = True
    given = {}
    monkeypatch.setattr("vsrestore.training.gan.descend", lambda run, loss, recipe: given.update(loss=loss.item()))
    parts = take_turn(run, duel, RECIPE, next(batches(shots[0], RECIPE, 5, 0)))
    assert given["loss"] == pytest.approx(float(parts["adversarial"] + 50 * parts["content"]), rel=1e-5)
    assert not duel.networks_turn


def test_all_phases_run_and_are_logged(shots, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    before = start(RECIPE).network.state_dict()
    run = loop.train(RECIPE, shots, tmp_path, workers=0)
    assert run.step == 2 + 2 + 4
    with (tmp_path / "gan.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], "critic" if row["critic"] else "network") for row in rows] == [
        *(("3", "critic"), ("4", "critic")),  # alone
        *(("5", "critic"), ("6", "network"), ("7", "critic"), ("8", "network")),
    ]
    with (tmp_path / "train.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2"]
    assert not torch.equal(before["add.bias"], run.network.state_dict()["add.bias"])


def test_a_critic_that_is_not_good_enough_keeps_its_turn(shots, tmp_path):
    strict = replace(RECIPE, gan=replace(RECIPE.gan, threshold=0.0))
    pretrained = replace(RECIPE, gan=GanRecipe())
    for name in ("strict", "pretrained"):
        (tmp_path / name).mkdir()
    one = loop.train(strict, shots, tmp_path / "strict", workers=0).network.state_dict()
    other = loop.train(pretrained, shots, tmp_path / "pretrained", workers=0).network.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 3, 6])
def test_an_interrupted_duel_ends_as_one_in_one_piece_bit_by_bit(shots, tmp_path, after):
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
    whole = loop.train(RECIPE, shots, tmp_path / "whole", workers=0)

    class Impatient:
        def count(self, done, total):
            if done == after:
                raise KeyboardInterrupt

        def tell(self, sentence):
            pass

    epochs = replace(RECIPE, schedule=replace(RECIPE.schedule, epoch=1))
    with pytest.raises(KeyboardInterrupt):
        loop.train(epochs, shots, tmp_path / "pieces", workers=0, reporter=Impatient())
    torch.manual_seed(99)
    resumed = loop.train(RECIPE, shots, tmp_path / "pieces", workers=0)
    for part in ("network", "average"):
        states = (getattr(run, part).state_dict() for run in (whole, resumed))
        assert all(torch.equal(a, b) for a, b in zip(*(state.values() for state in states), strict=True))
    critics = (run.duel.critic.state_dict().values() for run in (whole, resumed))
    assert all(torch.equal(a, b) for a, b in zip(*critics, strict=True))


def test_what_does_not_go_together_is_named(shots, tmp_path):
    with pytest.raises(TrainingError, match="give --steps"):
        loop.train(RECIPE, shots, tmp_path, limit_s=3)
    path = tmp_path / "recipe.toml"
    path.write_text('task = "film"\n[data]\ncrop = 64\nmargin = 8\n[gan]\nsteps = 5\n')
    with pytest.raises(RecipeError, match="gan: the critic needs 64 px; crop and margin leave 48"):
        read_recipe(path)
