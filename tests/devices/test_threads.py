"""The CPU's threads: all of them for one call after another, or half of them for each of two."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import pytest
import torch

from tests import clips
from tests.runtime import networks as nets
from tests.runtime.kinds import KINDS, Kind
from vsrestore.devices.cpu.threads import Threads
from vsrestore.runtime.plans.window import Window

PATIENCE = 10.0


def in_new_thread(call):
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(call).result()


def test_a_half_has_half_of_the_threads_and_all_others_keep_theirs() -> None:
    count_before, threads = torch.get_num_threads(), Threads()
    assert threads.split
    together = Barrier(2)

    def count() -> int:
        together.wait(PATIENCE)  # so that each has a thread of its own
        return torch.get_num_threads()

    assert threads.side_by_side([count, count]) == [count_before // 2] * 2
    assert threads.run(torch.get_num_threads) == count_before
    assert in_new_thread(torch.get_num_threads) == count_before
    assert torch.get_num_threads() == count_before


def test_an_odd_number_of_threads_has_no_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert not Threads().split


def test_a_call_with_all_threads_is_alone() -> None:
    threads, under_way, most, lock = Threads(), [0], [0], Lock()

    def call() -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        with lock:
            under_way[0] -= 1

    def alone() -> None:
        assert under_way == [0]
        call()
        assert under_way == [0]

    with ThreadPoolExecutor(4) as executor:
        asked = [
            executor.submit(threads.run, alone) if n % 3 == 0 else executor.submit(threads.side_by_side, [call] * 2)
            for n in range(24)
        ]
        for each in asked:
            each.result(PATIENCE)
    assert most == [2]


def test_an_error_of_one_half_surfaces_and_the_next_call_runs() -> None:
    threads = Threads()

    def fail() -> None:
        raise ValueError("no such half")

    with pytest.raises(ValueError, match="no such half"):
        threads.side_by_side([fail, Event().is_set])
    assert threads.side_by_side([Event().is_set] * 2) == [False, False]
    assert threads.run(lambda: 7) == 7


class Meeting(nets.WindowMean):
    """Answers only when it is called twice at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.together = Barrier(2)

    def forward(self, frames: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        self.together.wait(PATIENCE)
        return super().forward(frames, windows)


def test_halves_of_a_chunk_are_computed_side_by_side() -> None:
    clip = KINDS["window, halves"].restored(clips.noise(length=12), build=Meeting)
    assert len(list(clip.frames(close=True))) == 12


@pytest.mark.parametrize("border", ["repeat", "reflect_circle"])
@pytest.mark.parametrize("cut", [1, 2, 3, 5, 6])
def test_halves_give_what_a_whole_chunk_gives(border: str, cut: int) -> None:
    source = clips.noise(length=11, width=20, height=10)
    source = source.std.SetFrameProps(_SceneChangePrev=0)
    source = source[:cut] + source[cut:].std.SetFrameProps(_SceneChangePrev=1)[:1] + source[cut + 1 :]

    def pictures(halves: bool) -> list[bytes]:
        plan = Window(chunk=4, before=2, after=2, border=border, halves=halves)
        return [clips.picture(frame) for frame in Kind(plan, nets.WindowMean, 0).restored(source).frames()]

    assert pictures(halves=True) == pictures(halves=False)
