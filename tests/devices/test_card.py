"""What feeds a card, with a card that sleeps in the place of a real one, and what is chosen for one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import vapoursynth as vs
from torch import Tensor, nn

from tests import clips
from vsrestore.devices import pick
from vsrestore.devices.card import Card, CardStreams, Streams
from vsrestore.networks.traits import Traits
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.single import Single

UP, COMPUTE, DOWN = 0.06, 0.12, 0.045
"""Seconds: as 20, 40 and 15 ms to each other, and long beside what a machine that is busy takes to wake a thread."""
PATIENCE = 30.0


class Stream:
    """Does what it is given in order, later, in a thread of its own."""

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []
        """When each work that takes time began and ended."""
        self._work: SimpleQueue[Callable[[], object]] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def launch(self, work: Callable[[], object], seconds: float = 0.0) -> None:
        def done() -> None:
            began = time.perf_counter()
            time.sleep(seconds)
            with torch.inference_mode():
                work()
            if seconds:
                self.spans.append((began, time.perf_counter()))

        self._work.put(done)

    def record_event(self) -> Event:
        event = Event()
        self._work.put(event.happened.set)
        return event

    def wait_event(self, event: Event) -> None:
        self._work.put(event.synchronize)

    def _run(self) -> None:
        while True:
            self._work.get()()


class Event:
    def __init__(self) -> None:
        self.happened = threading.Event()

    def synchronize(self) -> None:
        assert self.happened.wait(PATIENCE)


class SleepingCard(Streams):
    """Streams of a card on which copies take their time, and memory that is given back holds NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[Stream] = []
        self._here = threading.local()

    def new(self) -> Stream:
        self.streams.append(Stream())
        return self.streams[-1]

    @contextmanager
    def within(self, stream: Stream) -> Iterator[None]:
        self._here.stream = stream
        yield

    @property
    def current(self) -> Stream:
        return self._here.stream

    def memory(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        return torch.full(tuple(shape), torch.nan, dtype=dtype)

    def copy(self, target: Tensor, source: Tensor) -> None:
        target.fill_(torch.nan)  # whoever reads it before the copy has ended reads this
        seconds = (UP if self.up else DOWN) if source.dim() else 0.0
        self.current.launch(lambda: target.copy_(source), seconds)

    @property
    def up(self) -> bool:
        """Whether the thread has sent nothing yet for its chunk."""
        self._here.turn = not getattr(self._here, "turn", False)
        return self._here.turn

    def shared(self, tensor: Tensor, stream: Stream) -> None:
        pass


class Later(nn.Module):
    """Half of the pictures, made in the stream that computes."""

    def __init__(self, card: SleepingCard) -> None:
        super().__init__()
        self.card = card

    def forward(self, images: Tensor) -> Tensor:
        made = torch.full_like(images, torch.nan)
        self.card.current.launch(lambda: made.copy_(images / 2), COMPUTE)
        return made


class StandIn(Card):
    """The sum and the layouts, too, are made in their streams."""

    def _sent(self, pictures: Tensor, dtype: torch.dtype) -> Tensor:
        there = torch.empty_like(pictures)
        self._streams.copy(there, pictures)
        return there

    def _summed(self, result: Tensor) -> Tensor:
        total = torch.full((), torch.nan)
        self._streams.current.launch(lambda: total.copy_(result.sum()))
        return total


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SleepingCard:
    """A sleeping card in the place of the processor."""
    made = SleepingCard()
    monkeypatch.setattr(pick, "worker", lambda device, name, *_: StandIn(device, name, pick.CARD_TURNS, True, made))
    monkeypatch.setattr(pick, "turns", lambda _: pick.CARD_TURNS)
    return made


def restored(clip: vs.VideoNode, network: Callable[[], nn.Module], chunk: int = 2) -> vs.VideoNode:
    stage = Stage(descriptor=Descriptor(name="toy", plan=Single(chunk=chunk)), build=network)
    return apply(clip, stage, Options(device="cpu", scene_changes=False))


def test_the_card_computes_nearly_all_the_time(card: SleepingCard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of the chunks before and after go on meanwhile; one after another it would be busy for half the time."""
    monkeypatch.setattr(vs.core, "num_threads", 6)
    shown = restored(clips.noise(length=32), lambda: Later(card))
    assert len(list(shown.frames(prefetch=8, close=True))) == 32
    spans = card.streams[0].spans
    assert len(spans) == 16
    assert sum(end - began for began, end in spans) >= 0.9 * (spans[-1][1] - spans[0][0])


def test_every_frame_is_its_own_whatever_the_order(card: SleepingCard) -> None:
    """Memory is read only after the copy into it has ended, and written to again only after what reads it."""
    source = clips.noise(length=12, width=40, height=24)
    shown = restored(source, lambda: Later(card))
    for number in (11, 0, 5, 4, 7, 2, 9, 10, 1, 3, 6, 8):
        for mine, given in zip(
            clips.samples(source.get_frame(number)), clips.samples(shown.get_frame(number)), strict=True
        ):
            np.testing.assert_array_equal(given, mine / 2)


def test_a_network_that_fails_leaves_the_streams_to_the_next_chunk(card: SleepingCard) -> None:
    class Fails(Later):
        calls = 0

        def forward(self, images: Tensor) -> Tensor:
            self.calls += 1
            if self.calls <= 3:
                raise RuntimeError("no")
            return super().forward(images)

    network = Fails(card)
    shown = restored(clips.noise(length=8), lambda: network, chunk=1)
    for number in range(3):
        with pytest.raises(vs.Error, match="toy: frame"):
            shown.get_frame(number)
    assert shown.get_frame(5).width


def test_what_is_not_finite_is_noticed_on_the_card(card: SleepingCard) -> None:
    class Infinite(Later):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images * torch.inf)

    with pytest.raises(vs.Error, match="NaN or infinity"):
        restored(clips.noise(length=2), lambda: Infinite(card)).get_frame(0)


def test_a_device_without_streams_gives_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    source = clips.noise(length=5)
    plain = [clips.picture(frame) for frame in restored(source, nn.ReLU).frames()]
    monkeypatch.setattr(pick, "worker", lambda device, name, *_: Card(device, name, 1, True, Streams()))
    assert [clips.picture(frame) for frame in restored(source, nn.ReLU).frames()] == plain


def test_float16_is_taken_on_cuda_where_the_network_allows_it() -> None:
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert pick.precision(cuda, Traits()) == "float16"
    assert pick.precision(cuda, Traits(precisions=("float32", "bfloat16"))) == "float32"
    assert pick.precision(cpu, Traits()) == pick.precision(torch.device("mps"), Traits()) == "float32"


@pytest.fixture
def other_policy() -> Iterator[None]:
    """Settings as another plugin in the process may have left them."""
    left = [
        (torch.backends.cudnn, "allow_tf32", True),
        (torch.backends.cudnn, "deterministic", False),
        (torch.backends.cudnn, "benchmark", True),
        (torch.backends.cuda.matmul, "allow_tf32", True),
    ]
    before = [getattr(module, name) for module, name, _ in left]
    for module, name, value in left:
        setattr(module, name, value)
    yield
    for (module, name, _), value in zip(left, before, strict=True):
        setattr(module, name, value)


@pytest.mark.usefixtures("other_policy")
def test_one_policy_for_float32_and_for_repeatability() -> None:
    CardStreams(torch.device("cuda"))
    convolutions = torch.backends.cudnn
    assert (convolutions.allow_tf32, convolutions.deterministic, convolutions.benchmark) == (False, True, False)
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_card_that_is_too_old_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (6, 1))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GTX 1080")
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90", "compute_120"])
    with pytest.raises(RuntimeError, match=r"GTX 1080 \(compute capability 6.1\) is too old .* begins at 7.5; install"):
        pick.pick("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 6))
    assert pick.pick("cuda:1") == torch.device("cuda", 1)


def test_more_chunks_are_under_way_where_there_may_be_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [pick.turns(device) for device in ("cpu", "cuda", "cuda:1", "mps")] == [2, 3, 3, 3]
    monkeypatch.setattr(pick, "find_library", lambda name: f"lib{name}.so.1")
    assert pick.turns(None) == 3


def test_a_result_on_the_first_card_comes_back_when_cuda_was_asked_for() -> None:
    """Tensors name their card by number; the device that a user or nobody chose need not."""

    class Noted(Streams):
        copied = 0

        def copy(self, target: Tensor, source: Tensor) -> None:
            self.copied += 1

    streams = Noted()
    card = Card(torch.device("cuda"), "toy", 1, True, streams)
    result = SimpleNamespace(device=torch.device("cuda", 0), shape=(2, 3), dtype=torch.float16)
    here = card._fetched(result, streams.new())
    assert (here.device.type, here.dtype, streams.copied) == ("cpu", torch.float16, 1)


def test_two_calls_are_under_way_where_torch_sees_no_device() -> None:
    """An ONNX model has a session for each: one computes while the other copies."""
    together = threading.Barrier(2)

    class Meeting(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            together.wait(PATIENCE)  # is broken unless both are there
            return images / 2

    stage = Stage(descriptor=Descriptor(name="toy"), build=Meeting)
    shown = apply(clips.noise(length=6), stage, Options(device="cpu", elsewhere=True, scene_changes=False))
    assert len(list(shown.frames(prefetch=6, close=True))) == 6


def test_memory_is_pinned_for_copies_that_torch_does_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *a, pin_memory=False, **k: asked.append(pin_memory) or empty(*a, **k))
    for there in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        pick.worker(torch.device("cpu"), "toy", channels_last=False, elsewhere=True).memory((1, 3, 4, 4))
    assert asked == [False, True]


def test_widened_results_have_memory_of_their_own_until_nobody_reads_them() -> None:
    card = Card(torch.device("cpu"), "toy", 1, True, Streams())
    half = torch.full((2, 3, 4, 4), 0.5).half()
    first, second = card._widened(half), card._widened(half / 2)
    place, part = first.ctypes.data, first[0]
    del first
    assert card._widened(half).ctypes.data != place
    np.testing.assert_array_equal(part, np.float32(0.5))
    del part
    assert card._widened(half).ctypes.data == place
    assert (second.dtype, second.max()) == (np.float32, 0.25)
