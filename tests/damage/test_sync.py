from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.sync import HeadSwitching, Mistracking, TimeBase, mistrack, switch_heads, time_base_shifts

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
