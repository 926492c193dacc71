import csv
import errno
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from vsrestore.networks.temporal_unet import TemporalUNet, recognise
from vsrestore.training import loop
from vsrestore.training.clips import DecodedShot
from vsrestore.training.data import batches
from vsrestore.training.errors import TrainingError
from vsrestore.training.machine import Machine, machine
from vsrestore.training.recipe import DataRecipe, LossRecipe, NetworkRecipe, Recipe, RecipeError, ScheduleRecipe
from vsrestore.training.run import export, resume, save, start
from vsrestore.training.step import take_step

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


class Told:
    """A reporter that remembers."""

    def __init__(self):
        self.lines, self.counts = [], []

    def count(self, done, total):
        self.counts.append((done, total))

    def tell(self, sentence):
        self.lines.append(sentence)


def run(recipe, shots, out, **settings):
    return loop.train(recipe, shots, out, workers=0, **settings)


def no_duel():
    raise AssertionError


def equal(a, b):
    """Whether two networks have the same weights, bit by bit."""
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_a_run_leaves_weights_that_the_network_recognises(shots, tmp_path):
    told = Told()
    done = run(RECIPE, shots, tmp_path, reporter=told)
    assert done.step == 4
    with safe_open(tmp_path / "weights.safetensors", "pt") as file:
        assert file.metadata() == {"architecture": "temporal_unet", "task": "film"}
    tensors = load_file(tmp_path / "weights.safetensors")
    network = TemporalUNet(**recognise({name: tuple(t.shape) for name, t in tensors.items()}))
    network.load_state_dict(tensors)
    assert [done for done, _ in told.counts] == [1, 2, 3, 4]
    assert [total for _, total in told.counts] == [4] * 4
    assert "held out" in told.lines[-1]
    with (tmp_path / "validation.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["4"]


def test_training_moves_the_weights(shots, tmp_path):
    before = start(RECIPE).network.state_dict()
    after = run(RECIPE, shots, tmp_path).network.state_dict()
    assert not torch.equal(before["fuse.weight"], after["fuse.weight"]) or not torch.equal(
        before["add.weight"], after["add.weight"]
    )


def interrupted(recipe, shots, out, monkeypatch, after, **settings):
    """Run, break off after some steps, and take the run up from what was saved."""
    real, calls = loop.take_step, []

    def stop(state, *rest):
        if len(calls) == after:
            save(state, out / "state.pt")
            raise KeyboardInterrupt
        calls.append(None)
        return real(state, *rest)

    monkeypatch.setattr(loop, "take_step", stop)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, shots, out, **settings)
    monkeypatch.setattr(loop, "take_step", real)
    return run(recipe, shots, out, **settings)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_an_interrupted_run_ends_as_one_in_one_piece_bit_by_bit(shots, tmp_path, monkeypatch, precision):
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(loop, "LOG_EVERY", 3)
    where = Machine(precision=precision)
    whole = run(RECIPE, shots, tmp_path / "whole", machine=where)
    resumed = interrupted(RECIPE, shots, tmp_path / "pieces", monkeypatch, 2, machine=where)
    assert resumed.step == whole.step
    assert equal(resumed.network, whole.network)
    assert equal(resumed.average, whole.average)
    curves = []
    for name in ("whole", "pieces"):
        with (tmp_path / name / "train.csv").open() as file:
            curves.append([{**row, "seconds": ""} for row in csv.DictReader(file)])
    assert curves[0] == curves[1]


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, as where a command listens; libraries that other tests import change it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_waits_for_the_end_of_a_step_which_is_saved(shots, tmp_path, monkeypatch):
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
    whole = run(RECIPE, shots, tmp_path / "whole")
    real, ended = loop.take_step, []

    def signalled(state, *rest):
        if state.step == 1:
            signal.raise_signal(signal.SIGINT)
        losses = real(state, *rest)
        ended.append(state.step)
        return losses

    monkeypatch.setattr(loop, "take_step", signalled)
    with pytest.raises(KeyboardInterrupt):
        run(RECIPE, shots, tmp_path / "pieces")
    assert ended == [0, 1]
    assert torch.load(tmp_path / "pieces" / "state.pt", weights_only=True)["step"] == 2
    monkeypatch.setattr(loop, "take_step", real)
    assert equal(run(RECIPE, shots, tmp_path / "pieces").network, whole.network)


@pytest.mark.usefixtures("interruptible")
def test_a_second_signal_waits_for_nothing_and_half_a_step_is_not_saved(shots, tmp_path, monkeypatch):
    def signalled(state, *rest):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(loop, "take_step", signalled)
    with pytest.raises(KeyboardInterrupt):
        run(RECIPE, shots, tmp_path)
    assert not (tmp_path / "state.pt").exists()


def test_rows_that_a_resumed_run_writes_again_are_dropped(shots, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    run(replace(RECIPE, schedule=replace(RECIPE.schedule, steps=2)), shots, tmp_path)
    (tmp_path / "train.csv").write_text((tmp_path / "train.csv").read_text() + "3,1,1,1,1,1,1\n")
    run(RECIPE, shots, tmp_path)
    with (tmp_path / "train.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3", "4"]


def test_a_state_of_a_run_before_scalers_were_kept_is_taken_up(shots, tmp_path):
    before = run(RECIPE, shots, tmp_path)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    torch.save({key: state[key] for key in state if key not in ("scaler", "random")}, tmp_path / "state.pt")
    after = start(RECIPE)
    resume(after, tmp_path / "state.pt", no_duel)
    assert after.step == 4
    assert equal(before.network, after.network)


@pytest.mark.parametrize("content", [b"", b"no state", b"PK\x03\x04 cut off"])
def test_a_damaged_state_is_named(tmp_path, content):
    (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(TrainingError, match=r"state\.pt cannot be taken up"):
        resume(start(RECIPE), tmp_path / "state.pt", no_duel)


def test_a_state_of_another_network_is_refused(shots, tmp_path):
    save(start(RECIPE), tmp_path / "state.pt")
    other = replace(RECIPE, network=NetworkRecipe(settings={**SMALL, "widths": [8, 8, 16]}))
    with pytest.raises(TrainingError, match="of another recipe"):
        resume(start(other), tmp_path / "state.pt", no_duel)


def test_a_full_disk_leaves_what_was_saved_last(shots, tmp_path, monkeypatch):
    run(replace(RECIPE, schedule=replace(RECIPE.schedule, steps=2)), shots, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in ("state.pt", "weights.safetensors")}

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(TrainingError, match=r"cannot be written \(No space left on device\)"):
        run(RECIPE, shots, tmp_path)
    with pytest.raises(TrainingError, match=r"state\.pt cannot be written"):
        save(start(RECIPE), tmp_path / "state.pt")
    with pytest.raises(TrainingError, match=r"weights\.safetensors cannot be written"):
        export(start(RECIPE), tmp_path / "weights.safetensors", RECIPE)
    monkeypatch.undo()
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert not list(tmp_path.glob("*.part"))
    assert run(RECIPE, shots, tmp_path).step == 4


def test_what_cannot_be_trained_is_named():
    with pytest.raises(RecipeError, match="'edvr' cannot be trained; known are temporal_unet"):
        start(replace(RECIPE, network=NetworkRecipe("edvr")))
    with pytest.raises(RecipeError, match="unexpected keyword argument 'depth'"):
        start(replace(RECIPE, network=NetworkRecipe(settings={"depth": 3})))
    with pytest.raises(TrainingError, match="device 'gpu' cannot be used"):
        machine("gpu", "float32")


def test_samples_must_have_enough_frames():
    with pytest.raises(RecipeError, match="frames = 4; network and losses need at least 5"):
        start(replace(RECIPE, data=replace(RECIPE.data, frames=4)))
    with pytest.raises(RecipeError, match="frames = 5; network and losses need at least 6"):
        start(replace(RECIPE, loss=LossRecipe(temporal=1.0)))


def test_a_time_limit_ends_the_run(shots, tmp_path):
    endless = replace(RECIPE, schedule=replace(RECIPE.schedule, steps=10**9))
    assert 0 < run(endless, shots, tmp_path, limit_s=0.5).step < 1000


def test_training_lowers_the_loss_on_what_it_sees(shots):
    recipe = replace(RECIPE, schedule=replace(RECIPE.schedule, steps=40, rate=3e-3))
    state = start(recipe)
    batch = next(batches(shots[0], recipe, 3, 0))
    first = take_step(state, recipe, batch, 0.0)[0]
    for step in range(39):
        state.step = step + 1
        last = take_step(state, recipe, batch, 0.0)[0]
    assert last < 0.97 * first
