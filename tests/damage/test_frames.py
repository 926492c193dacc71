from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.frames import BLACK, FrameFaults, frame_map, shown

from .pictures import noise

ALL = FrameFaults(duplicates=0.05, drops=0.05, freezes=0.01, black=0.01)


def test_no_fault_shows_every_frame_once():
    assert frame_map(3, 50, 20, FrameFaults()).tolist() == list(range(50, 70))


def test_a_map_is_a_function_of_the_frame_number():
    run = frame_map(3, 0, 500, ALL)
    assert [frame_map(3, n, 1, ALL)[0] for n in (477, 0, 301)] == [run[477], run[0], run[301]]
    assert np.array_equal(run, frame_map(3, 0, 500, ALL))
    assert not np.array_equal(run, frame_map(4, 0, 500, ALL))
    assert (run[run != BLACK] >= 0).all()


def test_duplicates_show_the_frame_before():
    run = frame_map(1, 1, 5000, FrameFaults(duplicates=0.05)) - np.arange(1, 5001)
    assert set(run.tolist()) == {0, -1}
    assert (run == -1).mean() == pytest.approx(0.05, abs=0.01)


def test_what_is_dropped_is_made_up_for_by_a_frame_shown_twice():
    steps = np.diff(frame_map(1, 0, 5000, FrameFaults(drops=0.02)))
    assert (steps >= 0).all()
    assert (steps == 2).sum() == pytest.approx(100, abs=30)
    assert abs(int((steps[steps > 1] - 1).sum()) - int((steps == 0).sum())) <= 5


def test_freezes_last_5_to_50_frames():
    run = frame_map(1, 0, 20_000, FrameFaults(freezes=0.001))
    jumps = np.diff(run)
    assert set(np.unique(jumps[jumps > 1])) <= set(range(2, 101))
    assert 10 < (jumps > 1).sum() < 30
    assert (run <= np.arange(20_000)).all()


def test_black_frames_are_black_and_few():
    run = frame_map(1, 0, 5000, FrameFaults(black=0.01))
    assert (run == BLACK).mean() == pytest.approx(0.02, abs=0.01)


def test_frames_are_put_in_the_order_of_the_map():
    frames = noise(4)
    kept = frames.copy()
    done = shown(frames, 10, np.array([11, BLACK, 9, 99]))
    assert np.array_equal(done[0], frames[1])
    assert not done[1].any()
    assert np.array_equal(done[2], frames[0])
    assert np.array_equal(done[3], frames[3])
    assert np.array_equal(frames, kept)
