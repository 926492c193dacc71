from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.noise import events, mean_duration
from vsrestore.damage.scratches import Rain, Scratches, profile

from .pictures import flat, noise


def test_profile_has_the_values_of_the_formula():
    distance = np.arange(-4, 5, dtype=np.float32)
    right = [0.3, 0, -0.108, 0, 0.0389]
    np.testing.assert_allclose(profile(distance, 0.3, 0.6, 3), [*right[:0:-1], *right], atol=1e-4)


def test_scratches_stay_from_frame_to_frame_and_change_nothing_outside_their_mask():
    clean = flat(0.5, 96, 128, 5)
    params = FilmDamage(scratches=Scratches(count=3, drift=0.3, broken=0, coloured=0))
    compared = 0
    for first in range(0, 2000, 400):
        done = damage_film(clean, first, 3, params)
        assert np.array_equal(done.damaged[done.mask == 0], clean[done.mask == 0])
        delta = (done.damaged - clean)[..., 0]
        for one, next_one in pairwise(delta):
            if np.abs(one).max() > 0.05 and np.abs(next_one).max() > 0.05:
                compared += 1
                assert np.corrcoef(one.mean(axis=0), next_one.mean(axis=0))[0, 1] > 0.6
    assert compared > 5


def test_steady_scratches_correlate():
    clean = flat(0.5, 96, 128, 2)
    params = FilmDamage(scratches=Scratches(count=4, drift=0, broken=0))
    correlations = []
    for first in range(0, 3000, 100):
        one, next_one = (damage_film(clean, first, 9, params).damaged - clean)[..., 1]
        if one.any() and next_one.any():
            correlations.append(np.corrcoef(one.ravel(), next_one.ravel())[0, 1])
    assert len(correlations) > 10
    assert np.median(correlations) > 0.9


def test_as_many_scratches_as_asked_for_at_a_time():
    counts = [
        len(events(0, "scratch", frame, 3 / mean_duration(10, 500), (10, 500))) for frame in range(0, 200_000, 250)
    ]
    assert np.mean(counts) == pytest.approx(3, abs=0.35)


def test_whole_scratches_run_through_and_broken_ones_do_not():
    spans = []
    for broken in (0.0, 1.0):
        params = FilmDamage(scratches=Scratches(count=1, drift=0, strength=0.4, broken=broken, coloured=0))
        shown = np.concatenate([damage_film(flat(0.5, 240, 64), t, 4, params).mask for t in range(0, 4000, 200)])
        rows = (shown > 0.1).any(axis=2)
        spans.append(rows[rows.any(axis=1)].mean())
    whole, broken = spans
    assert whole > 0.95
    assert 0.1 < broken < whole - 0.1


@pytest.mark.parametrize(("dark", "sign"), [(0.0, 1), (1.0, -1)])
def test_the_share_of_dark_scratches_is_kept_to(dark, sign):
    params = FilmDamage(scratches=Scratches(count=3, dark=dark, coloured=0, broken=0))
    deltas = [damage_film(flat(0.5, 32, 720), t, 4, params).damaged - 0.5 for t in range(0, 4000, 500)]
    strongest = [delta.flat[np.abs(delta).argmax()] for delta in deltas if delta.any()]
    assert len(strongest) > 3
    assert all(np.sign(value) == sign for value in strongest)


def test_rain_is_upright_and_changes_nothing_outside_its_mask():
    clean = noise(1, 240, 320)
    done = damage_film(clean, 0, 1, FilmDamage(rain=Rain(rate=12)))
    marked = done.mask > 0
    assert np.array_equal(done.damaged[~marked], clean[~marked])
    along, across = (np.diff(done.mask[0], axis=axis) for axis in (0, 1))
    assert np.abs(along).sum() < 0.7 * np.abs(across).sum()
