from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.lines import stretch_lines
from vsrestore.damage.sync import (
    HeadSwitching,
    LostSync,
    Mistracking,
    TimeBase,
    lose_sync,
    mistrack,
    switch_heads,
    time_base_shifts,
    wow_shifts,
)

from .pictures import noise

VIEW = view_of(480, 720, None, 0)


def test_jitter_has_the_told_strength():
    shifts = np.stack([time_base_shifts(1, frame, TimeBase(jitter=0.5, rho=0.4), VIEW) for frame in range(20)])
    assert shifts.std() == pytest.approx(0.5, rel=0.05)
    assert np.mean(shifts[:, 2:] * shifts[:, :-2]) / shifts.var() == pytest.approx(0.4, abs=0.03)


def test_waves_are_slow_along_the_lines():
    shifts = time_base_shifts(1, 7, TimeBase(waving=4), VIEW)
    assert 1 < np.abs(shifts).max() <= 4 * 3 * 0.6
    assert np.abs(np.diff(shifts)).max() < 4 * 2 * np.pi / 20


def test_flagging_bends_the_top():
    shifts = time_base_shifts(1, 7, TimeBase(flagging=60), VIEW)
    assert abs(shifts[0]) > 3
    assert abs(shifts[-1]) < 0.01


def test_lengths_scale_with_the_width():
    half = view_of(240, 360, None, 0)
    wide, small = (time_base_shifts(1, 7, TimeBase(flagging=60), view) for view in (VIEW, half))
    np.testing.assert_allclose(small, wide[::2] / 2, rtol=1e-5)


def test_mistracking_keeps_to_its_bands():
    planes = noise(1, 240, 320)[0]
    view = view_of(240, 320, None, 0)
    hit = []
    for frame in range(12):
        done, cover, shifts = mistrack(planes, 3, frame, Mistracking(bands=1, height=40, tear=0), view)
        rows = np.flatnonzero((done != planes).any(axis=(1, 2)))
        assert len(rows) <= 0.5 * 40 * 1.4 + 1
        assert not cover[np.setdiff1d(np.arange(240), rows)].any()
        assert not shifts[np.setdiff1d(np.arange(240), rows)].any()
        hit.append(rows.mean() if len(rows) else np.nan)
    steps = np.diff(hit)
    assert (np.abs(steps[np.isfinite(steps)]) > 0.1).any()


def test_a_tear_relaxes_below_the_band():
    _, _, shifts = mistrack(np.zeros((480, 720, 3), np.float32), 2, 0, Mistracking(bands=1, shift=0, tear=40), VIEW)
    first = int(np.flatnonzero(shifts)[0])
    assert 0 < first < 400
    below = np.abs(shifts[first:])
    assert (np.diff(below) < 0).all()
    assert below[30] / below[0] == pytest.approx(np.exp(-1), rel=0.01)


def test_head_switching_skews_the_last_lines_the_more_the_lower():
    planes = noise(1, 480, 720)[0]
    done, cover, shifts = switch_heads(planes, 1, 0, HeadSwitching(height=10, skew=60, blank=1), VIEW)
    assert np.array_equal(done[:470], planes[:470])
    assert not shifts[:470].any()
    assert np.abs(shifts[478]) > np.abs(shifts[471])
    assert 20 < shifts[476:].max() < 200
    np.testing.assert_allclose(done[-1], np.broadcast_to(np.float32([0.05, 0, 0]), (720, 3)))
    assert (cover[-1] == 1).all()
    assert 0 < cover[470:-1].mean() < 0.9


def test_a_piece_above_the_bottom_has_no_head_switching():
    view = type(VIEW)(48, 64, 100, 0, 480, 720)
    planes = noise()[0]
    done, cover, shifts = switch_heads(planes, 1, 0, HeadSwitching(height=10), view)
    assert np.array_equal(done, planes)
    assert not cover.any()
    assert not shifts.any()


def test_fields_apart_have_waves_of_their_own():
    together, apart = (time_base_shifts(1, 7, TimeBase(waving=4, apart=share), VIEW) for share in (0, 1))
    assert np.abs(together[::2] - together[1::2]).max() < 1
    assert np.abs(apart[::2] - apart[1::2]).max() > 1
    for field in (apart[::2], apart[1::2]):
        assert np.abs(np.diff(field)).max() < 4 * 4 * np.pi / 20
        assert not np.allclose(field, together[::2], atol=0.1)


def test_wow_changes_the_length_of_lines_about_their_middle():
    shifts = wow_shifts(1, 7, 0.01, VIEW)
    assert shifts.shape == (480, 720)
    np.testing.assert_allclose(shifts[:, :360], -shifts[:, :359:-1], atol=1e-5)
    lengths = (shifts[:, -1] - shifts[:, 0]) / 719
    assert 0.005 < np.abs(lengths).max() <= 0.01
    assert np.abs(np.diff(lengths)).max() < 0.001


def test_stretched_lines_move_each_pixel_by_its_shift():
    ramp = np.broadcast_to((np.arange(720, dtype=np.float32) / 720)[None, :, None], (480, 720, 1))
    shifts = wow_shifts(1, 7, 0.01, VIEW)
    seen = (ramp[..., 0] - stretch_lines(ramp, shifts)[..., 0]) * 720
    np.testing.assert_allclose(seen[:, 8:-8], shifts[:, 8:-8], atol=1e-3)


def test_lost_sync_keeps_the_samples_but_not_their_place():
    planes = 0.2 + 0.6 * noise(1, 240, 320)[0]
    view = view_of(240, 320, None, 0)
    done, cover, shifts = lose_sync(planes, 1, 0, LostSync(rate=1, snow=0), view)
    assert np.abs(shifts).max() > 20
    assert not cover.any()
    black = done[..., 0] == 0
    assert 0.05 < black.mean() < 0.25
    assert np.isin(done[..., 0][~black], planes[..., 0]).all()


def test_sync_is_lost_for_2_to_30_frames_as_often_as_told():
    planes, view = noise(1, 8, 8)[0], view_of(8, 8, None, 0)
    lost = np.array([lose_sync(planes, 1, n, LostSync(rate=0.005), view)[2].any() for n in range(4000)])
    assert lost.mean() == pytest.approx(1 - np.exp(-0.005 * 28 / np.log(15)), abs=0.025)
    assert np.array_equal(lose_sync(planes, 1, int(np.flatnonzero(~lost)[0]), LostSync(rate=0.005), view)[0], planes)


def test_heads_may_switch_later_in_the_second_field():
    planes = noise(1, 480, 720)[0]
    faults = HeadSwitching(height=10, skew=60, snow=0, blank=0, apart=2)
    shifts = switch_heads(planes, 1, 0, faults, VIEW)[2]
    assert np.flatnonzero(shifts[::2])[0] == np.flatnonzero(shifts[1::2])[0] - 2


def test_lines_swing_as_far_as_told_in_each_field_anew():
    shifts = np.stack([time_base_shifts(1, frame, TimeBase(swing=2), VIEW) for frame in range(30)])
    assert shifts.std() == pytest.approx(2, rel=0.2)
    for field in (shifts[:, ::2], shifts[:, 1::2]):
        assert np.corrcoef(field[:, 1:].ravel(), field[:, :-1].ravel())[0, 1] > 0.5
    assert abs(np.corrcoef(shifts[0, ::2], shifts[0, 1::2])[0, 1]) < 0.5


def test_the_swing_of_a_piece_is_that_of_the_frame():
    piece = type(VIEW)(48, 64, 100, 0, 480, 720)
    whole, part = (time_base_shifts(1, 7, TimeBase(swing=2), view) for view in (VIEW, piece))
    np.testing.assert_allclose(part, whole[100:148], atol=1e-6)


def test_dashes_are_as_long_and_as_white_as_told():
    planes = np.full((240, 320, 3), 0.5, np.float32)
    view = view_of(240, 320, None, 0)

    def dashes(dash, bright):
        faults = Mistracking(bands=1, strength=1, height=120, shift=0, tear=0, speed=0, dash=dash, bright=bright)
        done, cover, _ = mistrack(planes, 4, 0, faults, view)
        rows = cover > 0.5
        lengths = rows.sum() / max((np.diff(rows.astype(int), axis=1) > 0).sum(), 1)
        return lengths, (done[..., 0][rows] > 0.5).mean()

    (short, _), (long, white), (_, black) = dashes(2, 1), dashes(40, 1), dashes(40, 0)
    assert long > 2 * short
    assert white > 0.75
    assert black < 0.1
