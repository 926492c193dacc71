"""Graphs of calls, with a recorder in the place of CUDA's that computes again what it recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tests import clips
from tests.runtime import networks as nets
from vsrestore.devices import pick
from vsrestore.devices.card import Card, Streams
from vsrestore.devices.graphs import MOST, Graphs, host_tensors
from vsrestore.networks.inputs import Inputs
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.call import Call
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.window import Window
from vsrestore.switches import GRAPHS


class Recorder:
    """Nothing is computed while it records, and a replay writes where the result was."""

    def __init__(self) -> None:
        self.records = self.replays = 0
        self.wrong = 0.0
        """What a replay adds to the truth."""

    def recorded(self, network: Callable[[Inputs], Tensor], inputs: Inputs) -> tuple[Any, Tensor]:
        self.records += 1
        result = torch.full_like(network(inputs), torch.nan)
        recorder = self

        class Replay:
            def replay(self) -> None:
                recorder.replays += 1
                result.copy_(network(inputs) + recorder.wrong)

        return Replay(), result


def pictures(value: float, count: int = 2) -> Inputs:
    return Inputs(torch.full((count, 3, 4, 4), value), {}, {"mask": torch.ones(count, 1, 4, 4)})


class Network:
    calls = 0

    def __call__(self, seen: Inputs) -> Tensor:
        self.calls += 1
        return seen.frames * 2 + seen.beside_wanted["mask"]


def value(result: Tensor) -> float:
    assert result.unique().numel() == 1
    return float(result.flatten()[0])


def test_a_call_that_comes_again_is_recorded_proven_and_replayed() -> None:
    recorder, network = Recorder(), Network()
    graphs = Graphs(recorder)
    results, work = [], []
    for number in range(6):
        results.append(graphs.called(network, pictures(number), "key"))
        work.append((recorder.records, recorder.replays))
    assert work == [(0, 0), (1, 0), (1, 1), (1, 2), (1, 3), (1, 4)]
    assert [value(result) for result in results] == [2 * number + 1 for number in range(6)]  # each has its own memory
    assert not graphs.failures()


def test_other_shapes_and_keys_are_other_calls() -> None:
    recorder, network = Recorder(), Network()
    graphs = Graphs(recorder)
    for key, count in (("a", 2), ("b", 2), ("a", 1), ("c", 1)):
        assert value(graphs.called(network, pictures(3, count), key)) == 7
    assert recorder.records == 0
    for _ in range(4):
        assert value(graphs.called(network, pictures(4), None)) == 9
    assert recorder.records == 0


def test_few_graphs_are_kept() -> None:
    recorder, network = Recorder(), Network()
    graphs = Graphs(recorder)
    for key in range(MOST + 1):
        for _ in range(3):
            graphs.called(network, pictures(1), key)
    assert recorder.records == MOST + 1
    for key in (MOST, MOST - 1, MOST):
        graphs.called(network, pictures(1), key)
    assert recorder.records == MOST + 1
    for _ in range(2):
        graphs.called(network, pictures(1), 0)
    assert recorder.records == MOST + 2


def test_a_graph_that_gives_another_picture_is_off_with_a_word() -> None:
    recorder, network = Recorder(), Network()
    recorder.wrong = 1e-3
    graphs = Graphs(recorder)
    for number in range(5):
        assert value(graphs.called(network, pictures(number), "key")) == 2 * number + 1
    assert (recorder.records, recorder.replays) == (1, 1)
    assert graphs.failures() == ["CUDA graphs are off: one gave another picture than the network itself"]
    assert not graphs.failures()


def test_a_network_that_cannot_be_recorded_runs_without() -> None:
    class Refuses(Recorder):
        def recorded(self, network: Callable[[Inputs], Tensor], inputs: Inputs) -> tuple[Any, Tensor]:
            self.records += 1
            raise RuntimeError("operation not permitted when stream is capturing")

    recorder, network = Refuses(), Network()
    graphs = Graphs(recorder)
    for number in range(4):
        assert value(graphs.called(network, pictures(number), "key")) == 2 * number + 1
    assert recorder.records == 1
    assert graphs.failures() == ["CUDA graphs are off: operation not permitted when stream is capturing"]


def test_an_error_of_the_network_is_its_own() -> None:
    def fails(_: Inputs) -> Tensor:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Graphs(Recorder()).called(fails, pictures(0), "key")


def test_users_can_turn_them_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRAPHS, "0")
    recorder = Recorder()
    graphs = Graphs(recorder)
    for _ in range(3):
        graphs.called(Network(), pictures(0), "key")
    assert recorder.records == 0


def test_tables_of_the_host_that_a_graph_reads_again_are_kept() -> None:
    kept: list[Tensor] = []
    with host_tensors(kept), torch.inference_mode():
        table = torch.tensor([[0, 1], [1, 2]])
        picked = torch.arange(4.0)[table]
    assert any(tensor.data_ptr() == table.data_ptr() for tensor in kept)
    assert picked.tolist() == [[0, 1], [1, 2]]


def test_calls_that_differ_in_what_the_network_goes_by_have_other_keys() -> None:
    keys = [
        Call((0, 1), (0,), {"windows": [[0, 1]]}).key,
        Call((0, 1), (0,), {"windows": [[1, 0]]}).key,
        Call((0, 1), (0,), keep=range(1)).key,
        Call((0, 1), (0,), numbers=(7,)).key,
    ]
    assert len(set(keys)) == len(keys)
    assert Call((4, 5), (5,), {"windows": [[0, 1]]}).key == keys[0]


@pytest.mark.parametrize(("wrong", "tile"), [(0.0, None), (1.0, None), (0.0, 32)])
def test_a_filter_gives_the_same_with_graphs(
    monkeypatch: pytest.MonkeyPatch, log: list[str], wrong: float, tile: int | None
) -> None:
    source = clips.noise(length=12, width=40, height=32)
    plan = Window(chunk=2, before=1, after=1)
    stage = Stage(descriptor=Descriptor(name="toy", plan=plan), build=nets.WindowMean)
    recorder = Recorder()
    recorder.wrong = wrong

    def worker(device: torch.device, name: str, *_: object) -> Card:
        card = Card(device, name, 2, True, Streams())
        card._graphs = Graphs(recorder)
        return card

    def shown() -> list[bytes]:
        made = apply(source, stage, Options(device="cpu", tile=tile, scene_changes=False))
        return [clips.picture(frame) for frame in made.frames()]

    monkeypatch.setattr(pick, "worker", worker)
    with_graphs = shown()
    assert (recorder.replays > 1) == (not wrong and tile is None)
    assert sum("toy: CUDA graphs are off" in line for line in log) == bool(wrong)
    recorder.recorded = None
    monkeypatch.setenv(GRAPHS, "0")
    assert shown() == with_graphs
