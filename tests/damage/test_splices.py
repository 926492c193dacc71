from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.splices import Splices, frame_map, joins, splice_jolt

from .pictures import flat, noise

VIEW = view_of(240, 320, None, 0)
MANY = Splices(rate=0.01, missing=4, offset=30)


def first_after(splices=MANY, seed=3):
    """The number of a frame that comes right after a splice, with no other near."""
    for n in range(200, 5000):
        if [since for _, since in joins(seed, n, splices) if since < 10] == [0]:
            return n
    raise AssertionError


def test_without_splices_every_frame_shows_itself():
    assert frame_map(3, 50, 20, Splices()).tolist() == list(range(50, 70))
    assert frame_map(3, 50, 20, Splices(rate=0.05, missing=0)).tolist() == list(range(50, 70))


def test_a_map_is_a_function_of_the_frame_number():
    run = frame_map(3, 0, 600, MANY)
    assert [frame_map(3, n, 1, MANY)[0] for n in (577, 0, 301)] == [run[577], run[0], run[301]]
    assert not np.array_equal(run, frame_map(4, 0, 600, MANY))


def test_frames_are_missing_at_splices_and_come_twice_later():
    one = Splices(rate=0.001, missing=6)
    steps = np.diff(frame_map(5, 0, 20_000, one))
    assert set(steps.tolist()) <= set(range(8))
    lost, twice = (steps[steps > 1] - 1).sum(), (steps == 0).sum()
    assert lost > 20
    assert abs(int(lost) - int(twice)) <= 6
    assert (frame_map(5, 0, 20_000, one) == np.arange(20_000)).mean() > 0.5


def test_the_picture_jumps_after_a_splice_and_settles():
    n = first_after()
    offsets = [splice_jolt(3, n + i, MANY, VIEW)[0] for i in range(-1, 4)]
    assert offsets[0] == offsets[4] == 0
    np.testing.assert_allclose(np.divide(offsets[2:4], offsets[1:3]), 0.4)
    assert 3 < abs(offsets[1]) <= 30
    gains = [splice_jolt(3, n + i, MANY, VIEW)[1] for i in range(-1, 2)]
    assert gains[0] == gains[2] == 1
    assert 1 < gains[1] <= 1.3


def test_edges_lie_at_the_bottom_before_and_at_the_top_after():
    still = Splices(rate=0.01, offset=0, flash=0)
    n = first_after(still)
    before, after, later = damage_film(flat(0.5, 240, 320, 3), n - 1, 3, FilmDamage(splices=still)).mask
    rows = [np.flatnonzero(mask.any(axis=1)) for mask in (before, after)]
    assert rows[0].min() > 240 * 0.8
    assert rows[1].max() < 240 * 0.2
    assert not later.any()
    assert (before.max(axis=0) > 0.5).all()


def test_splices_come_as_often_as_told():
    count = sum(1 for n in range(0, 20_000) for _, since in joins(1, n, MANY) if since == 0)
    assert count == pytest.approx(200, abs=45)


def test_the_edge_is_damage_and_the_jump_is_of_the_film():
    params = FilmDamage(splices=MANY)
    n = first_after()
    done = damage_film(noise(1, 240, 320), n, 3, params)
    assert not np.array_equal(done.damaged, done.clean)
    assert not np.array_equal(done.clean, noise(1, 240, 320))
    clear = done.mask == 0
    assert np.array_equal(done.damaged[clear], done.clean[clear])


def test_tape_lies_over_both_frames_and_lets_the_picture_through():
    taped = Splices(rate=0.01, offset=0, flash=0, edge=0, glue=0, tape=0.6)
    n, clean = first_after(taped), 0.2 + 0.5 * noise(3, 240, 320)
    done = damage_film(clean, n - 1, 3, FilmDamage(splices=taped))
    before, after, later = done.mask > 0
    assert before[-20:].any()
    assert after[:20].any()
    assert not later.any()
    assert np.corrcoef(done.damaged[:2].ravel(), clean[:2].ravel())[0, 1] > 0.9
