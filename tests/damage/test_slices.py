from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.digital import DigitalDamage, damage_digital
from vsrestore.damage.slices import LostSlices, lost_slices, with_lost_slices

from .pictures import noise


def test_no_slice_is_lost_where_none_is_to_be():
    assert not lost_slices(1, 2, 480, 640, LostSlices()).any()


def test_slices_are_whole_macroblocks_to_the_end_of_the_row():
    lost = lost_slices(1, 2, 100, 90, LostSlices(rate=0.5))
    assert lost.shape == (100, 90)
    assert 0 < lost.mean() < 1
    blocks = lost[::16, ::16]
    assert np.array_equal(np.kron(blocks, np.ones((16, 16)))[:100, :90], lost)
    assert (np.diff(blocks, axis=1) >= 0).all()


def test_slices_are_lost_as_often_as_told():
    lost = [lost_slices(1, n, 480, 64, LostSlices(rate=0.01, longest=1))[::16].any(axis=1).sum() for n in range(400)]
    assert sum(lost) == pytest.approx(30 * 400 * 0.01, rel=0.3)


def test_a_lost_slice_shows_what_was_there_before():
    frames = noise(3)
    lost = np.zeros((3, 48, 64), np.float32)
    lost[1, :16, 32:] = 1
    done = with_lost_slices(frames, lost, 0, 12)
    assert np.array_equal(done[0], frames[0])
    np.testing.assert_allclose(done[1, :16, 32:], frames[0, :16, 32:], atol=1e-6)
    assert np.array_equal(done[1:, 16:], frames[1:, 16:])
    assert np.array_equal(done[1:, :16, :32], frames[1:, :16, :32])


def test_the_error_stays_until_the_group_of_pictures_ends():
    frames = 0.4 + 0.2 * noise(7)
    lost = np.zeros((7, 48, 64), np.float32)
    lost[[1, 4]] = 1
    done = with_lost_slices(frames, lost, 0, 4)
    error = frames[0] - frames[1]
    np.testing.assert_allclose(done[2] - frames[2], error, atol=1e-6)
    np.testing.assert_allclose(done[3] - frames[3], error, atol=1e-6)
    assert np.array_equal(done[4:], frames[4:])


def test_groups_of_pictures_do_not_know_of_each_other():
    params = DigitalDamage(slices=LostSlices(rate=0.3))
    run = damage_digital(noise(30), 0, 5, params)
    assert not np.array_equal(run, noise(30))
    assert np.array_equal(damage_digital(noise(30)[12:], 12, 5, params), run[12:])
