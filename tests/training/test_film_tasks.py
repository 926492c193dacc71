"""The tasks for single kinds of film damage: what the target lacks is that kind alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vsrestore.networks.scratch_repair import ScratchRepair
from vsrestore.training.recipe import DataRecipe, LossRecipe, NetworkRecipe, Recipe, RecipeError, ScheduleRecipe
from vsrestore.training.run import start
from vsrestore.training.step import take_step
from vsrestore.training.tasks.film import FilmTask
from vsrestore.training.tasks.one_kind import OneKindTask

DATA = DataRecipe(undamaged=0.0, uprights=0.0, gray=0.0, blurred=0.0, compressed=0.0)


@pytest.fixture(scope="module")
def clean():
    rng = np.random.default_rng(0)
    return rng.uniform(0.3, 0.6, (3, 96, 96, 3)).astype(np.float32)


def test_scratches_alone_are_on_the_clean_picture(clean):
    laid = [
        OneKindTask("scratches").damaged(clean, replace(DATA, alone=1.0), np.random.default_rng(seed))
        for seed in range(6)
    ]
    assert all(np.array_equal(sample.targets[0], clean) for sample in laid)
    assert sum(np.abs(sample.seen - clean).max() > 0.05 for sample in laid) >= 5


def test_other_damage_stays_in_the_target(clean):
    others = 0
    for seed in range(6):
        sample = OneKindTask("scratches").damaged(clean, replace(DATA, alone=0.0), np.random.default_rng(seed))
        others += np.abs(sample.targets[0] - clean).max() > 0.05
    assert others >= 4


def test_uprights_are_no_damage(clean):
    sample = OneKindTask("scratches").damaged(
        clean, replace(DATA, undamaged=1.0, uprights=1.0), np.random.default_rng(1)
    )
    assert np.array_equal(sample.seen, sample.targets[0])
    assert not np.array_equal(sample.seen, clean)
    assert not sample.marks.any()


def test_marks_are_where_the_scratches_are(clean):
    sample = OneKindTask("scratches").damaged(clean, replace(DATA, alone=1.0), np.random.default_rng(2))
    changed = np.abs(sample.seen - sample.targets[0]).max(-1)
    assert sample.marks.shape == (3, 96, 96, 1)
    assert sample.marks[changed > 0.1].min() > 0.9
    assert sample.marks[changed < 0.002].max() < 0.1


def test_cue_marks_alone_last_for_some_frames_at_one_place(clean):
    laid = [
        OneKindTask("cue marks").damaged(clean, replace(DATA, alone=1.0), np.random.default_rng(n)) for n in range(6)
    ]
    assert sum(np.abs(sample.seen - clean).max() > 0.05 for sample in laid) >= 5
    shown = [sample.marks[..., 0] > 0.5 for sample in laid]
    assert np.mean([(marks[0] & marks[1]).any() or (marks[1] & marks[2]).any() for marks in shown]) > 0.6


def test_uprights_are_drawn_before_film_is_damaged(clean):
    laid = [
        FilmTask().damaged(clean, replace(DATA, undamaged=1.0, uprights=n), np.random.default_rng(1)) for n in (0, 1)
    ]
    assert np.array_equal(laid[0].targets[0], clean)
    assert not np.array_equal(laid[1].targets[0], clean)
    assert np.array_equal(laid[1].seen, laid[1].targets[0])


def test_a_network_learns_where_the_damage_lies():
    recipe = Recipe(
        "scratches",
        network=NetworkRecipe("scratch_repair", settings={"radius": 1, "width": 8, "tall": 8}),
        data=DataRecipe(frames=3, crop=32, marks=True),
        loss=LossRecipe(log=0.0, mse=1e-3, marks=1.0),
        schedule=ScheduleRecipe(steps=40, batch=2, rate=1e-2, warmup=1),
    )
    run = start(recipe)
    assert isinstance(run.network, ScratchRepair)
    clean = torch.full((2, 3, 3, 32, 32), 0.4)
    marks = torch.zeros(2, 3, 1, 32, 32)
    marks[..., 14:17] = 1
    losses = []
    for run.step in range(40):
        losses.append(float(take_step(run, recipe, [clean + 0.3 * marks, clean, marks], run.step / 40)[0]))
    assert losses[-1] < 0.3 * losses[0]


def test_networks_that_mark_nothing_are_told_so():
    recipe = Recipe("film", data=DataRecipe(frames=5, crop=32, marks=True), loss=LossRecipe(marks=1.0))
    run = start(replace(recipe, network=NetworkRecipe(settings={"widths": [8, 8, 8], "blocks": [0, 0, 0, 0, 0]})))
    frames = torch.rand(1, 5, 3, 32, 32)
    with pytest.raises(RecipeError, match=r"loss\.marks"):
        take_step(run, recipe, [frames, frames, frames, frames[:, :, :1]], 0.0)
