"""Runs in stages, and networks for single pictures: the recipe of fastai's course, small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.filters import seeded
from vsrestore import networks
from vsrestore.checkpoints import CheckpointError
from vsrestore.networks.state_dict import NetworkError
from vsrestore.training import loop
from vsrestore.training.clips import DecodedShot
from vsrestore.training.data import Batches
from vsrestore.training.errors import TrainingError
from vsrestore.training.optimiser import depths, freeze
from vsrestore.training.recipe import (
    DataRecipe,
    LossRecipe,
    NetworkRecipe,
    Recipe,
    RecipeError,
    ScheduleRecipe,
    StageRecipe,
    read_recipe,
)
from vsrestore.training.run import build, start
from vsrestore.training.step import set_rates
from vsrestore.training.tasks.jpeg import JpegTask

STAGES = (
    StageRecipe(0.5, 32, 2, frozen=True, rates=(1e-2,), rising=0.9),
    StageRecipe(0.5, 64, 1, rates=(1e-5, 1e-3), rising=0.5),
)
RECIPE = Recipe(
    "jpeg",
    network=NetworkRecipe("fastai_unet", settings=seeded.FASTAI_UNET),
    data=DataRecipe(frames=1, crop=32, undamaged=0.0, border=0.0, double_step=0.0, whole=1.0, pans=0.0),
    loss=LossRecipe(log=0.0, mse=1.0),
    schedule=ScheduleRecipe(steps=6, stages=STAGES, optimiser="adamw", decay=1e-3, clip=0.0),
)


@pytest.fixture(scope="module")
def shots():
    frames = np.random.default_rng(0).integers(0, 256, (8, 96, 80, 3), dtype=np.uint8)
    return [DecodedShot("a", "a", frames)], [DecodedShot("b", "b", frames[:3, :63, :65])]


def test_a_run_in_stages_leaves_a_network_that_the_filter_takes(shots, tmp_path):
    done = loop.train(RECIPE, shots, tmp_path, workers=0)
    assert done.step == 6
    tensors = load_file(tmp_path / "weights.safetensors")
    found = networks.load(tensors)
    picture = torch.rand(1, 3, 32, 48)
    with torch.inference_mode():
        torch.testing.assert_close(found.eval()(picture), done.average.eval()(picture))


def test_crop_and_batch_are_those_of_the_stage(shots):
    source = Batches(shots[0], RECIPE)
    assert [tuple(source[step][0].shape) for step in (0, 2, 3, 5)] == [(2, 1, 3, 32, 32)] * 2 + [(1, 1, 3, 64, 64)] * 2
    later = Batches(shots[0], RECIPE)  # as after a resume
    assert torch.equal(source[4][0], later[4][0])


def test_what_is_frozen_keeps_its_kernels_and_moves_its_norms(shots, tmp_path):
    before = start(RECIPE).network.layers[0].state_dict()
    half = replace(RECIPE, schedule=replace(RECIPE.schedule, stages=(replace(STAGES[0], share=1.0),)))
    after = loop.train(half, shots, tmp_path, workers=0).network.layers[0].state_dict()
    assert torch.equal(before["0.weight"], after["0.weight"])
    assert torch.equal(before["7.0.conv2.weight"], after["7.0.conv2.weight"])
    assert not torch.equal(before["1.weight"], after["1.weight"])
    assert not torch.equal(before["1.running_mean"], after["1.running_mean"])


def test_the_average_has_the_statistics_of_the_batch_norms(shots, tmp_path):
    run = loop.train(RECIPE, shots, tmp_path, workers=0)
    for kept, current in zip(run.average.buffers(), run.network.buffers(), strict=True):
        assert torch.equal(kept, current)


def test_groups_of_layers_have_rates_of_their_own():
    run = start(RECIPE)
    assert sum(len(group) for group in depths(run.network)) == len(list(run.network.parameters()))
    run.step = 4  # a third of the second stage: 2/3 of the way up
    set_rates(run, RECIPE, 0.5)
    share = 1 / 25 + (1 - 1 / 25) * 0.75
    assert [group["lr"] for group in run.groups()] == pytest.approx([1e-5 * share, 1e-4 * share, 1e-3 * share])
    assert run.groups()[0]["betas"] == pytest.approx((0.95 - 0.1 * 0.75, 0.99))


def test_freezing_is_undone():
    network = build(RECIPE)
    for frozen in (True, False):
        freeze(network, frozen)
        assert network.layers[0][0].weight.requires_grad is not frozen
        assert all(parameter.requires_grad for parameter in depths(network)[-1])


def test_a_time_limit_does_not_go_with_stages(shots, tmp_path):
    with pytest.raises(TrainingError, match="give --steps"):
        loop.train(RECIPE, shots, tmp_path, limit_s=3)


def test_a_small_jpeg_has_the_size_of_the_truth_and_errs_more_at_a_low_quality():
    frames = np.random.default_rng(0).random((1, 131, 160, 3), np.float32)
    errors = []
    for damaged in JpegTask().cases().values():
        seen, (truth,), _ = damaged(frames)
        assert seen.shape == truth.shape == (1, 130, 160, 3)
        errors.append(float(np.square(seen - truth).mean()))
    assert 0 < errors[0] < errors[1]


def torchvision_names(tensors):
    """An encoder's tensors as torchvision names them."""
    names = {"0": "conv1", "1": "bn1", **{str(number + 3): f"layer{number}" for number in range(1, 5)}}
    parts = ((name.partition("."), tensor) for name, tensor in tensors.items())
    return {f"{names[first]}.{rest}": tensor for (first, _, rest), tensor in parts}


def test_a_run_begins_from_an_encoder_and_from_weights(tmp_path):
    torch.manual_seed(5)
    other = build(RECIPE)
    save_file(torchvision_names(other.layers[0].state_dict()) | {"fc.bias": torch.zeros(2)}, tmp_path / "resnet.st")
    save_file(other.state_dict(), tmp_path / "unet.st")

    def begun(**given):
        asked = replace(RECIPE.network, **{key: str(tmp_path / name) for key, name in given.items()})
        return start(replace(RECIPE, network=asked)).network.state_dict()

    for given, prefix in (({"encoder": "resnet.st"}, "layers.0."), ({"weights": "unet.st"}, "")):
        found = begun(**given)
        assert all(torch.equal(found[name], t) for name, t in other.state_dict().items() if name.startswith(prefix))
    with pytest.raises(NetworkError, match="encoder of fastai_unet"):
        begun(encoder="unet.st")
    with pytest.raises(CheckpointError, match="does not exist"):
        begun(weights="none.st")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[schedule.stages]]\nshare = 0.5\ncrop = 64\nbatch = 2", "the shares must make 1"),
        ("[[schedule.stages]]\nshare = 1\ncrop = 64\nbatch = 2\nrates = [1e-3]", 'rates need optimiser = "adamw"'),
        ("[[schedule.stages]]\nshare = 1\ncrop = 64\nbatch = 2\nfrozen = 1", "1 does not fit; bool is expected"),
        ("[[schedule.stages]]\nshare = 1\ncrop = 64", "the key 'batch' is missing"),
        ("[[schedule.stages]]\nshare = 1\ncrop = 64\nbatch = 2\nfresh = 3", "does not fit"),
        ('[schedule]\noptimiser = "sgd"', "optimiser = 'sgd'; known are orthogonal, adamw"),
        ("[schedule]\nfresh = 0", "fresh = 0 does not fit a batch of 4"),
        ("[data]\ncrop = 64\nmargin = 32", "leaves nothing of a crop of 64 px"),
    ],
)
def test_stages_that_cannot_be_are_named(tmp_path, text, says):
    path = tmp_path / "recipe.toml"
    path.write_text(f'task = "film"\n{text}\n')
    with pytest.raises(RecipeError, match=says):
        read_recipe(path)


def test_the_recipe_of_the_course_runs_small(shots, tmp_path):
    """As it stands but for a narrow network, a few steps, small batches, and no checkpoints of others."""
    recipe = read_recipe(Path(__file__).parents[2] / "scripts" / "training" / "unet.toml")
    stages = recipe.schedule.stages
    assert [(stage.crop, stage.batch, stage.frozen) for stage in stages] == [
        *((128, 32, True), (128, 32, False)),
        *((256, 12, True), (256, 12, False)),
    ]
    small = replace(
        recipe,
        network=NetworkRecipe("fastai_unet", settings=seeded.FASTAI_UNET),
        loss=LossRecipe(log=0.0, mse=1.0),
        schedule=replace(
            recipe.schedule, steps=8, stages=tuple(replace(stage, batch=2, crop=stage.crop // 4) for stage in stages)
        ),
    )
    assert loop.train(small, shots, tmp_path, workers=0).step == 8
    assert (tmp_path / "sheet.png").is_file()
