from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.fields import FieldFaults, Interlacing, Pulldown, film_frame, interlace, pull_down, spoil_fields

from .pictures import noise


@pytest.mark.parametrize(("bottom_first", "first_row", "later"), [(False, 0, 1), (True, 0, 0), (False, 5, 0)])
def test_the_later_field_is_of_the_next_frame(bottom_first, first_row, later):
    now, then = noise(2)
    combed = interlace(now, then, Interlacing(combing=1, bottom_first=bottom_first), first_row)
    np.testing.assert_allclose(combed[later::2], then[later::2], atol=1e-6)
    assert np.array_equal(combed[1 - later :: 2], now[1 - later :: 2])


def test_a_still_picture_does_not_comb():
    now = noise(1)[0]
    assert np.array_equal(interlace(now, now, Interlacing(combing=1)), now)


def test_softening_weighs_a_quarter_a_half_a_quarter():
    now = np.zeros((5, 1, 1), np.float32)
    now[2] = 1
    assert interlace(now, now, Interlacing(combing=1, soften=1)).ravel().tolist() == [0, 0.25, 0.5, 0.25, 0]


def test_four_film_frames_become_five_of_video():
    """Fields (A, A) (B, B) (B, C) (C, D) (D, D), again and again."""
    film = noise(9)
    told = []
    for n in range(10):
        k = film_frame(n, 0)
        video = pull_down(film[k], film[min(k + 1, 8)], n, Pulldown(on=True))
        told.append([next(i for i in range(9) if np.allclose(video[p::2], film[i, p::2], atol=1e-6)) for p in (0, 1)])
    assert told == [[0, 0], [1, 1], [1, 2], [2, 3], [3, 3], [4, 4], [5, 5], [5, 6], [6, 7], [7, 7]]


@pytest.mark.parametrize("phase", range(5))
def test_another_phase_begins_elsewhere_in_the_cycle_with_the_first_frame(phase):
    numbers = [film_frame(n, phase) for n in range(20)]
    assert numbers[0] == 0
    assert numbers == [film_frame(n + phase, 0) - film_frame(phase, 0) for n in range(20)]
    assert numbers[15] == 12


def test_a_lost_field_is_replaced_by_the_lines_of_the_other():
    picture, following = noise(2)
    view = view_of(48, 64, None, 0)
    faults = FieldFaults(lost=0.1)
    kinds = set()
    for n in range(120):
        done = spoil_fields(picture, following, 1, n, faults, view)
        gone = [p for p in (0, 1) if not np.array_equal(done[p::2], picture[p::2])]
        if gone == [1]:
            assert np.array_equal(done[1::2], picture[::2])
        if gone == [0]:
            assert np.array_equal(done[2::2], picture[1:-1:2])
        kinds.add(tuple(gone))
    assert {(), (0,), (1,)} <= kinds


def test_blending_mixes_in_the_next_frame():
    picture, following = noise(2)
    done = spoil_fields(picture, following, 1, 0, FieldFaults(blend=0.25), view_of(48, 64, None, 0))
    np.testing.assert_allclose(done, 0.75 * picture + 0.25 * following, atol=1e-6)
