"""The tasks for single kinds of film damage: what the target lacks is that kind alone."""

from dataclasses import replace

import numpy as np
import pytest

from vsrestore.training.recipe import DataRecipe
from vsrestore.training.tasks.scratches import ScratchTask

DATA = DataRecipe(undamaged=0.0, uprights=0.0, gray=0.0, blurred=0.0, compressed=0.0)


@pytest.fixture(scope="module")
def clean():
    rng = np.random.default_rng(0)
    return rng.uniform(0.3, 0.6, (3, 96, 96, 3)).astype(np.float32)


def test_scratches_alone_are_on_the_clean_picture(clean):
    laid = [ScratchTask().damaged(clean, replace(DATA, alone=1.0), np.random.default_rng(seed)) for seed in range(6)]
    assert all(np.array_equal(sample.targets[0], clean) for sample in laid)
    assert sum(np.abs(sample.seen - clean).max() > 0.05 for sample in laid) >= 5


def test_other_damage_stays_in_the_target(clean):
    others = 0
    for seed in range(6):
        sample = ScratchTask().damaged(clean, replace(DATA, alone=0.0), np.random.default_rng(seed))
        others += np.abs(sample.targets[0] - clean).max() > 0.05
    assert others >= 4


def test_uprights_are_no_damage(clean):
    sample = ScratchTask().damaged(clean, replace(DATA, undamaged=1.0, uprights=1.0), np.random.default_rng(1))
    assert np.array_equal(sample.seen, sample.targets[0])
    assert not np.array_equal(sample.seen, clean)
