from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.dropouts import Dropouts, drop_out

VIEW = view_of(240, 320, None, 0)


def dropped(dropouts, frame=0, seed=1, planes=None):
    planes = np.full((240, 320, 3), 0.5, np.float32) if planes is None else planes.copy()
    mask = drop_out(planes, seed, frame, dropouts, VIEW)
    return planes, mask


def test_only_masked_samples_change():
    planes, mask = dropped(Dropouts(rate=10))
    assert 0.001 < (mask > 0).mean() < 0.5
    assert (planes[mask == 0] == 0.5).all()
    assert (planes[mask > 0.5, 0] > 0.6).any()


def test_streaks_are_as_many_as_told():
    rate = 2.0
    short = Dropouts(rate=rate, length=20, spread=0.0, compensated=0)
    runs = 0
    for frame in range(100):
        _, mask = dropped(short, frame)
        # Of the 1-4 lines of a drop-out (1.6 in the mean) neighbours in a field count once.
        lines = (mask > 0.1).any(axis=1).reshape(120, 2).T
        runs += sum(int(np.diff(np.concatenate([[0], field.astype(int)])).clip(0).sum()) for field in lines)
    assert runs / 200 == pytest.approx(rate, rel=0.15)


def test_compensation_repeats_the_line_above_of_the_field():
    ramp = np.broadcast_to(np.arange(240, dtype=np.float32)[:, None, None], (240, 320, 3)).copy()
    planes, mask = dropped(Dropouts(rate=5, compensated=1), planes=ramp)
    made = ramp[mask > 0] - planes[mask > 0]
    assert len(made)
    assert set(np.unique(made)) <= {0, 2, 4, 6, 8}
    assert 2 in made


def test_black_and_white_streaks():
    white, mask = dropped(Dropouts(rate=5, compensated=0, bright=1))
    black, _ = dropped(Dropouts(rate=5, compensated=0, bright=0))
    assert (white[..., 0] >= 0.5).all()
    assert (black[..., 0] <= 0.5).all()
    assert (mask > 0.9).any()


def test_a_crease_runs_down_through_the_picture():
    creased = Dropouts(crease=0.05, compensated=0)
    centres = []
    for frame in range(120):
        _, mask = dropped(creased, frame)
        rows = np.flatnonzero(mask.any(axis=1))
        centres.append(np.median(rows) if len(rows) else np.nan)
    steps = np.diff(centres)
    assert np.isnan(centres).any()
    assert np.mean(steps[np.isfinite(steps)] > 0) > 0.7


def test_missing_lines_are_whole_and_as_many_as_told():
    counts = []
    for frame in range(60):
        planes, mask = dropped(Dropouts(lines=2), frame)
        assert set(mask.mean(axis=1)) <= {0, 1}
        assert (planes[mask == 0] == 0.5).all()
        counts.append((mask[:, 0] > 0).sum())
    assert np.mean(counts) == pytest.approx(4, rel=0.2)


def test_tails_fade_as_slowly_as_told():
    short, long = (dropped(Dropouts(rate=5, compensated=0, tail=tail))[1].sum() for tail in (2, 80))
    assert long > 1.2 * short


@pytest.mark.parametrize("fault", [{"rate": 2.0, "compensated": 0}, {"lines": 1.0}])
def test_a_line_takes_as_many_rows_as_a_deinterlacer_made_of_it(fault):
    one, mask = dropped(Dropouts(**fault))
    three, wider = dropped(Dropouts(**fault, rows=3))
    for row in np.flatnonzero(mask.any(axis=1)):
        assert (wider[row : row + 3] >= mask[row] - 1e-6).all()
    alone = [row for row in np.flatnonzero(mask.any(axis=1)) if not mask[row - 2 : row].any() and row % 2 == 0]
    alone = [row for row in alone if not mask[row + 1 : row + 3].any()]
    assert alone
    for row in alone:
        np.testing.assert_array_equal(three[row : row + 3], one[row : row + 1].repeat(3, axis=0)[: 240 - row])


def test_lines_outside_the_view_lose_nothing_of_it():
    part = view_of(64, 320, 640, 3)
    for seed in range(20):
        planes = np.full((64, 320, 3), 0.5, np.float32)
        mask = drop_out(planes, seed, 0, Dropouts(rate=5, lines=5, rows=3), part)
        assert (planes[mask == 0] == 0.5).all()
