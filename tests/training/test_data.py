from dataclasses import replace

import numpy as np
import pytest
import torch

from vsrestore.damage.film import KINDS, PRESETS
from vsrestore.training import augment, data
from vsrestore.training.clips import DecodedShot
from vsrestore.training.data import Batches, batches, cut
from vsrestore.training.errors import DataError
from vsrestore.training.recipe import DataRecipe, Recipe, ScheduleRecipe
from vsrestore.training.tasks.film import denser

RECIPE = Recipe("film", data=DataRecipe(crop=64), schedule=ScheduleRecipe(batch=3, fresh=2))


@pytest.fixture(scope="module")
def shots():
    ramp = np.arange(12 * 80 * 96 * 3) // (80 * 96 * 3)  # every frame has one value: its number
    frames = (ramp.reshape(12, 80, 96, 3) * 10).astype(np.uint8)
    return [DecodedShot("a", "a", frames)]


def test_runs_are_consecutive_and_repeat_only_at_their_ends(shots):
    for seed in range(60):
        frames, order = cut(shots[0], replace(RECIPE.data, pans=0.0), np.random.default_rng(seed))
        numbers = (frames[order].mean(axis=(1, 2, 3)) * 25.5).round()
        steps = np.diff(numbers)
        assert len(order) == RECIPE.data.frames
        inner = steps[np.flatnonzero(steps)[0] : np.flatnonzero(steps)[-1] + 1]
        assert len(set(inner)) == 1
        assert abs(inner[0]) in (1, 2)


def test_a_sample_depends_on_seed_and_number_alone(shots):
    first, again = Batches(shots, RECIPE), Batches(shots, RECIPE)
    other = Batches(shots, replace(RECIPE, seed=2))
    first.sample(0)
    assert all(torch.equal(a, b) for a, b in zip(first.sample(5), again.sample(5), strict=True))
    assert not torch.equal(first.sample(5)[0], other.sample(5)[0])
    assert not torch.equal(first.sample(5)[0], first.sample(6)[0])


def test_a_batch_has_new_samples_and_turned_ones_of_before(shots, monkeypatch):
    monkeypatch.setattr(data, "KEPT", 4)
    source, made = Batches(shots, RECIPE), []
    monkeypatch.setattr(source, "sample", lambda n: made.append(n) or (torch.full((7, 3, 4, 4), float(n)),))
    for step in range(20):
        numbers = source[step][0].mean(dim=(1, 2, 3, 4)).round().int().tolist()
        assert numbers[:2] == [2 * step, 2 * step + 1]
        assert 2 * step + 2 - 4 <= numbers[2] <= 2 * step + 1
    assert made == list(range(40))  # each is made once
    assert len(source.kept) == 4


def test_turning_keeps_input_and_target_together(shots):
    damaged, _, clean = Batches(shots, replace(RECIPE, data=DataRecipe(crop=64, undamaged=1.0)))[3]
    assert torch.equal(damaged, clean)


def test_a_sample_has_the_shapes_and_ranges_that_training_needs(shots):
    source = Batches(shots, RECIPE)
    for number in range(12):
        images = source.sample(number)
        assert [tuple(image.shape) for image in images] == [(7, 3, 64, 64)] * 3
        assert all(image.dtype == torch.float32 and image.min() >= 0 and image.max() <= 1 for image in images)


def test_undamaged_samples_have_the_input_as_target(shots):
    source = Batches(shots, replace(RECIPE, data=DataRecipe(crop=64, undamaged=1.0)))
    damaged, grained, clean = source.sample(3)
    assert torch.equal(damaged, grained)
    assert torch.equal(damaged, clean)


def test_batches_continue_where_a_run_stopped(shots):
    whole = batches(shots, RECIPE, 0, workers=0)
    later = batches(shots, RECIPE, 1, workers=0)
    next(whole)
    assert all(torch.equal(a, b) for a, b in zip(next(whole), next(later), strict=True))


def test_denser_damage_has_more_marks_and_the_same_grain():
    light = PRESETS["film-light"]
    assert denser(light).dirt.rate > 2 * light.dirt.rate
    assert denser(light).grain == light.grain


def test_pans_move_steadily_and_stay_inside():
    frame = np.arange(100 * 140, dtype=np.uint32).reshape(100, 140)
    frame = np.stack((frame // 140, frame % 140, frame * 0), -1).astype(np.uint8)  # each pixel tells its place
    for seed in range(60):
        run = augment.pan(frame, 64, 5, np.random.default_rng(seed)) * 255
        places = run[:, 0, 0, :2].round()
        assert run.shape == (5, 64, 64, 3)
        steps = np.diff(places, axis=0)
        assert np.abs(steps - steps.mean(0)).max() <= 1
        assert np.abs(steps).max() <= augment.FASTEST_PAN + 1


def test_samples_carry_where_the_damage_lies_if_asked(shots):
    source = Batches(shots, replace(RECIPE, data=DataRecipe(crop=64, undamaged=0.0, alone=1.0, marks=True)))
    plain = Batches(shots, replace(RECIPE, data=DataRecipe(crop=64, undamaged=0.0, alone=1.0)))
    kinds = set()
    for number in range(16):
        *images, marks = source.sample(number)
        assert all(torch.equal(a, b) for a, b in zip(images, plain.sample(number), strict=True))
        assert marks.shape == (7, len(KINDS), 64, 64)
        assert marks.min() >= 0
        assert marks.max() <= 1
        assert marks.amax((0, 2, 3)).count_nonzero() <= 1
        kinds |= {int(kind) for kind in marks.amax((0, 2, 3)).nonzero()}
    assert len(kinds) > 2
    batch = source[0]
    assert batch[-1].shape == (3, 7, len(KINDS), 64, 64)


def test_a_task_that_does_not_know_where_its_damage_lies_says_so(shots):
    source = Batches(shots, Recipe("tape", data=DataRecipe(crop=64, marks=True)))
    with pytest.raises(DataError, match="marks = true"):
        source.sample(0)
