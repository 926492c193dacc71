import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from vsrestore.networks.temporal_unet import TemporalUNet, recognise
from vsrestore.training import loop
from vsrestore.training.clips import DecodedShot
from vsrestore.training.recipe import DataRecipe, NetworkRecipe, Recipe, ScheduleRecipe

SMALL = {"widths": [8, 8, 8], "blocks": [1, 0, 0, 0, 0]}
RECIPE = Recipe(
    "film",
    network=NetworkRecipe(settings=SMALL),
    data=DataRecipe(crop=32, frames=5),
    schedule=ScheduleRecipe(steps=4, batch=2, rate=1e-3, warmup=1),
)


@pytest.fixture(scope="module")
def shots():
    frames = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    return [DecodedShot("a", "a", frames)], [DecodedShot("b", "b", frames[:3, :32, :32])]


def run(recipe, shots, out, **settings):
    return loop.train(recipe, shots, out, workers=0, **settings)


def test_a_run_leaves_weights_that_the_network_recognises(shots, tmp_path):
    lines = []
    done = run(RECIPE, shots, tmp_path, report=lambda progress, line: lines.append((progress, line)))
    assert done.step == 4
    with safe_open(tmp_path / "weights.safetensors", "pt") as file:
        assert file.metadata() == {"architecture": "temporal_unet", "task": "film"}
    tensors = load_file(tmp_path / "weights.safetensors")
    network = TemporalUNet(**recognise({name: tuple(t.shape) for name, t in tensors.items()}))
    network.load_state_dict(tensors)
    assert lines[-1][0] == 1.0
    assert "held out" in lines[-1][1]
    with (tmp_path / "validation.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["4"]


def test_training_moves_the_weights(shots, tmp_path):
    before = loop.start(RECIPE).network.state_dict()
    after = run(RECIPE, shots, tmp_path).network.state_dict()
    assert not torch.equal(before["fuse.weight"], after["fuse.weight"]) or not torch.equal(
        before["add.weight"], after["add.weight"]
    )


def test_an_interrupted_run_ends_as_one_in_one_piece(shots, tmp_path, monkeypatch):
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
    whole = run(RECIPE, shots, tmp_path / "whole")

    real, calls = loop._step, []

    def stop_after_two(state, *rest):
        if len(calls) == 2:
            loop.save(state, tmp_path / "pieces" / "state.pt")
            raise KeyboardInterrupt
        calls.append(None)
        return real(state, *rest)

    monkeypatch.setattr(loop, "_step", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        run(RECIPE, shots, tmp_path / "pieces")
    monkeypatch.setattr(loop, "_step", real)
    resumed = run(RECIPE, shots, tmp_path / "pieces")
    assert resumed.step == whole.step
    for name, tensor in whole.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], tensor, atol=1e-6, rtol=1e-4, msg=name)


def test_a_time_limit_ends_the_run(shots, tmp_path):
    endless = replace(RECIPE, schedule=replace(RECIPE.schedule, steps=10**9))
    assert 0 < run(endless, shots, tmp_path, limit_s=0.5).step < 1000


def test_training_lowers_the_loss_on_what_it_sees(shots):
    recipe = replace(RECIPE, schedule=replace(RECIPE.schedule, steps=40, rate=3e-3))
    state = loop.start(recipe)
    batch = next(loop.batches(shots[0], recipe, 3, 0))
    first = loop._step(state, recipe, batch, 0.0)[0]
    for step in range(39):
        state.step = step + 1
        last = loop._step(state, recipe, batch, 0.0)[0]
    assert last < 0.97 * first
