"""A run of frames is split at cuts and at the clip's ends."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from vsrestore.runtime.plans.window import Window
from vsrestore.runtime.run import Run, Shot


def run(start: int, before: int, chunk: int, count: int, length: int, cuts: tuple[int, ...] = ()) -> Run:
    """A run whose frames carry a mark before each frame number of ``cuts``."""
    numbers = range(start - before, start - before + count)
    frames = [SimpleNamespace(props={"_SceneChangePrev": int(number in cuts)}) for number in numbers]
    return Run(start, before, chunk, length, frames)


def test_shots_split_a_run_at_cuts_and_ends() -> None:
    assert run(0, 2, 6, 9, 6, cuts=(3,)).shots == [Shot(2, 5, range(2, 5)), Shot(5, 8, range(5, 8))]
    assert run(4, 6, 2, 9, 6, cuts=(3,)).shots == [Shot(5, 8, range(6, 8))]


def test_what_lies_beyond_the_ends_is_not_wanted() -> None:
    last = run(8, 2, 4, 8, 10)
    assert (last.inside, last.wanted) == (range(4), range(2, 4))
    assert [last.number(position) for position in last.wanted] == [8, 9]


def test_halves_share_the_windows() -> None:
    plan = Window(chunk=5, before=2, after=2, halves=True)
    (call,) = plan.calls(run(4, 2, 5, 9, 20))
    first, second = plan.halved(call)
    assert (list(first.wanted), list(second.wanted)) == ([2, 3], [4, 5, 6])
    assert (first.frames, second.frames) == (range(6), range(2, 9))
    assert second.tables["windows"] == [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 6]]


@pytest.mark.parametrize("plan", [Window(chunk=1, halves=True), Window(chunk=4)])
def test_what_has_no_halves_stays_whole(plan: Window) -> None:
    (call,) = plan.calls(run(4, 0, plan.chunk, plan.chunk, 20))
    assert not plan.halved(call)
