"""The task for stains: what they are laid on, which stay, and what is no stain."""

from dataclasses import replace

import numpy as np
import pytest

from vsrestore.training.recipe import DataRecipe
from vsrestore.training.tasks.stains import StainsTask

DATA = DataRecipe(undamaged=0.0, uprights=0.0, gray=0.0, blurred=0.0, alone=1.0)


@pytest.fixture(scope="module")
def clean():
    rng = np.random.default_rng(0)
    return rng.uniform(0.3, 0.6, (5, 96, 96, 3)).astype(np.float32)


def laid(clean, data, count=16):
    return [StainsTask().damaged(clean, data, np.random.default_rng(seed)) for seed in range(count)]


def test_stains_show_and_some_of_them_stay_as_they_are(clean):
    samples = laid(clean, DATA, 40)
    gains = [np.where(sample.targets[0] > 0.1, sample.seen / sample.targets[0].clip(0.1), 1) for sample in samples]
    assert sum(np.abs(sample.seen - sample.targets[0]).mean() > 0.005 for sample in samples) >= 10
    still = [np.abs(np.diff(gain, axis=0)).max() < 1e-3 for gain in gains]
    assert 0 < sum(still) < len(samples)


def test_shadows_that_move_and_changes_of_brightness_are_no_stains(clean):
    samples = laid(clean, replace(DATA, undamaged=1.0))
    assert all(sample.seen is sample.targets[0] for sample in samples)
    assert sum(np.abs(sample.seen - clean).max() > 0.02 for sample in samples) >= 3


def test_other_damage_stays_in_the_target(clean):
    changed = [np.abs(sample.targets[0] - clean).max() > 0.05 for sample in laid(clean, replace(DATA, alone=0.0))]
    assert sum(changed) >= 12


def test_cases_are_the_same_at_every_call(clean):
    for case in StainsTask().cases().values():
        assert np.array_equal(case(clean).seen, case(clean).seen)
