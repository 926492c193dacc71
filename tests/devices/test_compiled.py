"""Networks that are compiled: which calls, what where it fails, and that the order of calls makes no difference."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.utils._pytree import tree_flatten

from tests import clips
from tests.networks import test_card
from vsrestore.devices import compiled, parts, pick
from vsrestore.devices.card import Card, Streams
from vsrestore.devices.compiled import Compiled
from vsrestore.devices.graphs import host_tensors
from vsrestore.pipeline.segments import identity
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.window import Window
from vsrestore.switches import COMPILE

SHIFT = 1 / 64


class Compiler:
    """Gives graphs that add a little, by which one sees whether they were called."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.refused: list[tuple[int, ...]] = []
        self.under_way = 0

    def __call__(self, graph: GraphModule, examples: Sequence[Tensor]) -> Callable[..., Tensor]:
        self.under_way += 1
        assert self.under_way == 1
        shape = tuple(examples[0].shape)
        self.shapes.append(shape)
        self.under_way -= 1
        if shape in self.refused:
            raise RuntimeError("no compiler\nand much more")
        return lambda *changing: graph(*changing) + SHIFT


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    """In the place of torch's."""
    made = Compiler()
    monkeypatch.setattr(compiled, "by_inductor", made)
    return made


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


class Windows(nn.Module):
    """The host reads the windows, as that of EDVR does."""

    calls = 0

    def forward(self, frames: Tensor, windows: Tensor, strength: float = 1.0) -> Tensor:
        self.calls += 1
        made = [sum(frames[0, p] for p in row if p >= 0) * strength for row in windows.tolist()]
        return torch.stack([torch.as_tensor(picture) for picture in made]).unsqueeze(0)


def test_each_kind_of_call_is_compiled_once(compiler: Compiler) -> None:
    plain, failures = Windows(), list[str]()
    network = Compiled(Windows(), failures)
    table = torch.tensor([[0, 1], [1, -1]])
    calls = [((size, table), {}) for size in (4, 5, 4)]
    calls += [((4, table.flip(0)), {}), ((4, table), {"strength": 0.5}), ((4, table), {"strength": 0.5})]
    for (size, windows), named in calls:
        frames = torch.rand(1, 2, 3, size, size)
        assert torch.equal(network(frames, windows, **named), plain(frames, windows, **named) + SHIFT)
    assert len(compiler.shapes) == 4
    assert network.network.calls == 2 * 4, "recorded, and proven on other pictures"
    assert not failures


def test_the_order_of_many_shapes_makes_no_difference(compiler: Compiler) -> None:
    """``torch.compile`` of the same function gives up silently at the ninth."""
    compiler.refused = [(1, 1, 3, 4, 7), (1, 1, 3, 4, 12)]
    pictures = [torch.rand(1, 1, 3, 4, width) for width in range(4, 16)]
    there = range(len(pictures))

    def made(order: Sequence[int]) -> list[bytes]:
        network = Compiled(Windows(), [])
        given = {index: network(pictures[index], torch.tensor([[0]])).numpy().tobytes() for index in order}
        return [given[index] for index in there]

    assert made(there) == made([*reversed(there)]) == made([*there[6:], *there[:6], *there])


def test_a_kind_that_cannot_be_compiled_stays_so_with_one_line(compiler: Compiler) -> None:
    compiler.refused = [(1, 1, 3, 4, 4)]
    failures: list[str] = []
    network = Compiled(Windows(), failures)
    for _ in range(3):
        for size, shift in ((4, 0.0), (5, SHIFT)):
            frames = torch.rand(1, 1, 3, size, size)
            assert torch.equal(network(frames, torch.tensor([[0]])), frames + shift)
    assert failures == ["not compiled for 1x1x3x4x4: no compiler"]


class Reads(nn.Module):
    def forward(self, frames: Tensor) -> Tensor:
        return frames * 2 if frames.max() > 0.5 else frames


class Random(nn.Module):
    def forward(self, frames: Tensor) -> Tensor:
        return frames + torch.rand_like(frames)


@pytest.mark.parametrize(("build", "word"), [(Reads, "data-dependent|value out"), (Random, "random numbers")])
def test_what_follows_from_more_than_its_kind_is_not_compiled(
    compiler: Compiler, build: Callable[[], nn.Module], word: str
) -> None:
    failures: list[str] = []
    network = Compiled(build(), failures)
    network(torch.zeros(1, 3, 4, 4))
    assert network(torch.ones(1, 3, 4, 4)).mean() > 1
    assert not compiler.shapes
    assert len(failures) == 1


def test_times_and_numbers_of_frames_make_no_kinds(compiler: Compiler) -> None:
    class Between(nn.Module):
        def forward(self, frames: Tensor, times: Tensor, numbers: Tensor) -> Tensor:
            return frames * times.view(-1, 1, 1, 1) + numbers.view(-1, 1, 1, 1)

    network = Compiled(Between(), [])
    for time, number in ((0.25, 3), (0.5, 7)):
        given = network(torch.ones(1, 3, 4, 4), times=torch.tensor([time]), numbers=torch.tensor([number]))
        assert given.unique().tolist() == [time + number + SHIFT]
    assert len(compiler.shapes) == 1


def test_where_memory_ends_nothing_is_decided(monkeypatch: pytest.MonkeyPatch, compiler: Compiler) -> None:
    def full(*_: object) -> Callable[..., Tensor]:
        raise RuntimeError("CUDA out of memory")

    failures: list[str] = []
    network = Compiled(Windows(), failures)
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "by_inductor", full)
        with pytest.raises(RuntimeError, match="out of memory"):
            network(torch.zeros(1, 1, 3, 4, 4), torch.tensor([[0]]))
    assert network(torch.zeros(1, 1, 3, 4, 4), torch.tensor([[0]])).max() == SHIFT
    assert not failures


def test_an_error_of_the_network_is_its_own(compiler: Compiler) -> None:
    with pytest.raises(IndexError):
        Compiled(Windows(), [])(torch.zeros(1, 1, 3, 4, 4), torch.tensor([[5]]))


def test_threads_compile_one_after_another(compiler: Compiler) -> None:
    network = Compiled(Windows(), [])

    def work() -> None:
        with torch.inference_mode():
            for width in range(4, 10):
                network(torch.zeros(1, 1, 3, 4, width), torch.tensor([[0]]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compiler.shapes) == len(set(compiler.shapes)) == 6


def test_a_cuda_graph_can_record_what_is_compiled(compiler: Compiler) -> None:
    network = Compiled(Windows(), [])
    frames, windows, kept = torch.rand(1, 2, 3, 4, 4), torch.tensor([[0, 1]]), list[Tensor]()
    given = network(frames, windows)
    with host_tensors(kept):
        assert torch.equal(network(frames, windows), given)
    assert len(compiler.shapes) == 1


@pytest.mark.parametrize("device", ["card", "processor"])
def test_a_filter_is_compiled_on_cards_alone(
    device: str, compiler: Compiler, monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    """Frames are the same bytes in any order, though one shape, the tail's, cannot be compiled."""
    source = clips.noise(length=11, width=40, height=32)
    stage = Stage(descriptor=Descriptor(name="toy", plan=Window(chunk=2, before=1, after=1)), build=Windows)
    compiler.refused = [(1, 2, 3, 32, 40)]
    monkeypatch.setenv(COMPILE, "1")
    if device == "card":
        monkeypatch.setattr(compiled, "DEVICES", ("cpu",))
        monkeypatch.setattr(pick, "worker", lambda device, name, *_: Card(device, name, 2, True, Streams()))

    def shown(order: Sequence[int]) -> dict[int, bytes]:
        made = apply(source, stage, Options(device="cpu", scene_changes=False))
        return {number: clips.picture(made.get_frame(number)) for number in order}

    assert shown(range(11)) == shown([10, 3, 0, 7, 8, 1, 2, 9, 5, 4, 6])
    assert bool(compiler.shapes) == (device == "card")
    expected = "not compiled for 1x2x3x32x40: no compiler" if device == "card" else f"not compiled: {COMPILE} is for"
    assert sum(f"toy: {expected}" in line for line in log) == 2  # once for each filter


def test_it_is_off_unless_wanted(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COMPILE, raising=False)
    monkeypatch.setattr(compiled, "DEVICES", ("cpu",))
    assert not isinstance(parts.Networks(Windows, lambda: torch.device("cpu")).get("float32"), Compiled)


def test_what_stands_in_for_half_precision_is_not_compiled(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPILE, "1")
    monkeypatch.setattr(compiled, "DEVICES", ("cpu",))
    networks = parts.Networks(Windows, lambda: torch.device("cpu"))
    assert isinstance(networks.get("bfloat16"), Compiled)
    with networks.instead("float32") as precision:
        assert not isinstance(networks.get(precision), Compiled)


def test_a_network_is_recorded_whole() -> None:
    row = test_card.ROWS["mark_finder"]
    network = row.around(test_card.built("mark_finder", row.settings)).requires_grad_(False)
    shapes = {**row.shapes, "frames": (*row.shapes["frames"][:-2], 32, 32)}
    first, other = ({key: torch.rand(shape) for key, shape in shapes.items()} for _ in range(2))
    leaves, structure = tree_flatten(((), {**first, **row.arguments}))
    graph = compiled._recorded(network, leaves, structure)
    changing, _ = tree_flatten(((), {**other, **row.arguments}))
    assert torch.equal(graph(*filter(compiled._changes, changing)), network(**other, **row.arguments))


class Reading(nn.Module):
    """Goes by the values of a picture, which it reads without torch's knowledge."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames * float(frames.numpy()[..., 0].sum())


def test_what_reads_pictures_stays_as_it_is(compiler: Compiler) -> None:
    failures: list[str] = []
    network = Compiled(Reading(), failures)
    for frames in (torch.zeros(1, 3, 8, 8), *torch.rand(3, 1, 3, 8, 8)):  # a film may begin in black
        assert torch.equal(network(frames), Reading()(frames))
    assert failures == [
        "not compiled for 1x3x8x8: it reads what pictures show, so what was recorded is for these alone"
    ]


def test_weights_that_move_are_not_compiled(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPILE, "1")
    monkeypatch.setattr(compiled, "DEVICES", ("cpu",))
    for rests_on, wanted in (("device", True), ("machine", False)):
        part = parts.Part(build=Windows, rests_on=rests_on)
        networks = parts.Networks(parts.Parts({"one": part}, lambda built: built["one"]), lambda: torch.device("cpu"))
        assert isinstance(networks.get("float32"), Compiled) == wanted


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles C++ for the processor")
def test_torchs_compiler_gives_the_same_picture_from_a_folder_of_our_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(compiled.CACHE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(compiled.OPTIONS, "cpp.simdlen", 1)  # torch would try what the processor has, file by file
    plain = nn.Sequential(nn.BatchNorm2d(3), nn.LeakyReLU(0.1)).eval().requires_grad_(False)
    weight, failures = weakref.ref(plain[0].weight), list[str]()
    network = Compiled(plain, failures)
    for _ in range(2):
        frames = torch.rand(1, 3, 16, 16)
        torch.testing.assert_close(network(frames), plain(frames))
    assert not failures
    assert next(iter(network._kinds.values())) is not None
    assert Path(os.environ[compiled.CACHE]) == tmp_path / "vsrestore" / "compiled"
    assert any((tmp_path / "vsrestore" / "compiled").iterdir())
    assert not capfd.readouterr().out
    del plain, network
    gc.collect()
    assert weight() is None


def test_segments_of_a_job_are_all_compiled_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COMPILE, raising=False)
    plain = identity.machine_identity([])
    monkeypatch.setenv(COMPILE, "1")
    assert identity.machine_identity([]) != plain


def test_a_place_that_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiled.CACHE, "/elsewhere")
    compiled._keep_to_ourselves()
    assert os.environ[compiled.CACHE] == "/elsewhere"
