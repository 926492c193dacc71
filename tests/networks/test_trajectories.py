"""What flies is put back, what is on one frame only stays away."""

import pytest
import torch

from vsrestore.networks.trajectories import LIMIT, Trajectories

from .temporal_samples import windows

GREY, WHITE = 0.5, 0.95
SIDE = 8


def repaired(count=5, height=120, width=160):
    return torch.full((1, count, 3, height, width), GREY)


def with_squares(places, side=SIDE, level=WHITE, **shape):
    """Frames, each with a square at its place (row, column)."""
    frames = repaired(len(places), **shape)
    for number, (y, x) in enumerate(places):
        if y + side > 0 and x + side > 0:
            frames[0, number, :, max(y, 0) : y + side, max(x, 0) : x + side] = level
    return frames


def put_back(before, rows=None):
    return Trajectories()(repaired(*before.shape[1:2], *before.shape[3:]), windows(2) if rows is None else rows, before)


def straight(speed, count=5):
    return [(40 + speed[0] * n, 10 + speed[1] * n) for n in range(count)]


@pytest.mark.parametrize("speed", [(0, 16), (3, 24), (-2, 10)])
def test_what_flies_is_put_back(speed):
    before = with_squares(straight(speed))
    assert torch.equal(put_back(before)[:, 0], before[:, 2])


def test_a_thrown_ball_is_put_back():
    before = with_squares([(60 - 8 * n + n * n, 10 + 12 * n) for n in range(5)])
    assert torch.equal(put_back(before)[:, 0], before[:, 2])


def test_what_leaves_the_frame_is_put_back_in_its_last_frames():
    before = with_squares([(40, 100), (40, 124), (40, 148), (40, 172), (40, 196)])
    assert torch.equal(put_back(before, windows(2))[:, 0], before[:, 2])
    assert torch.equal(put_back(before.flip(1), windows(2))[:, 0], before[:, 2])


@pytest.mark.parametrize(
    "places",
    [
        [(40, 10), (90, 100), (20, 60), (70, 20), (30, 130)],
        [(40, 10), (40, 26), (40, 42), (90, 100), (20, 140)],
        [(40, 42)] * 5,
        [(0, 0), (0, 0), (40, 42), (0, 0), (0, 0)],
    ],
    ids=["scattered", "two steps alone", "still", "once"],
)
def test_what_lies_on_no_path_stays_away(places):
    assert torch.equal(put_back(with_squares(places)), repaired(1))


@pytest.mark.parametrize(
    ("left", "stays"), [((0, 4), True), ((0, 1), True), ((1, 4), True), ((0, 3), True), ((1, 3), False)]
)
def test_what_the_repair_left_in_some_frames_is_put_back_in_others(left, stays):
    before = with_squares(straight((0, 16)))
    after = repaired(5)
    after[0, left] = before[0, left]
    done = Trajectories()(after, windows(2), before)
    assert torch.equal(done[:, 0], before[:, 2] if stays else after[:, 2])


def test_a_path_through_a_frame_in_which_the_repair_left_it_is_straight():
    before = with_squares([(60 - 8 * n + n * n, 10 + 12 * n) for n in range(5)])
    after = repaired(5)
    after[0, (1, 4)] = before[0, (1, 4)]
    assert torch.equal(Trajectories()(after, windows(2), before), after[:, 2:3])


@pytest.mark.parametrize("level", [WHITE, GREY])
def test_a_surface_of_the_same_colour_is_nothing_that_flies(level):
    before = with_squares(straight((0, 16)))
    after = repaired(5)
    before[0, (0, 4)] = after[0, (0, 4)] = level
    assert torch.equal(Trajectories()(after, windows(2), before), after[:, 2:3])


def test_another_colour_or_size_makes_no_path():
    before = with_squares(straight((0, 16)))
    other = before.clone()
    other[0, (0, 1, 3, 4)] = 2 * GREY - other[0, (0, 1, 3, 4)]
    assert torch.equal(put_back(other), repaired(1))
    larger = with_squares(straight((0, 16)), side=3 * SIDE)
    larger[0, 2] = before[0, 2]
    assert torch.equal(put_back(larger), repaired(1))


def test_nothing_is_put_back_where_there_is_dirt_everywhere():
    before = with_squares(straight((0, 16)), height=400, width=640)
    before[..., 80::16, 8::16] = 0.0
    before[..., 81::16, 8::16] = 0.0
    before[..., 80::16, 9::16] = 0.0
    assert (before[0, 0, 0] == 0).sum() / 3 > LIMIT
    assert torch.equal(put_back(before), repaired(1, 400, 640))


def test_large_frames_are_seen_in_larger_cells():
    before = with_squares([(120, 40 + 48 * n) for n in range(5)], side=24, height=960, width=480)
    assert torch.equal(put_back(before)[:, 0], before[:, 2])


def test_few_neighbours_tell_nothing():
    before = with_squares(straight((0, 16)))
    assert torch.equal(put_back(before, torch.tensor([[0, 0, 0, 1, 2]])), repaired(1))
    there = put_back(before, torch.tensor([[0, 0, 1, 2, 3]]))
    assert torch.equal(there[:, 0], before[:, 1])


def test_windows_know_nothing_of_each_other():
    before = with_squares(straight((2, 16), 7))
    rows = windows(2, 3, 4)
    together = put_back(before, rows)
    for number in range(3):
        assert torch.equal(together[:, number : number + 1], put_back(before, rows[number : number + 1]))
