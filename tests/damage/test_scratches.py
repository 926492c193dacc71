from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.noise import events, mean_duration
from vsrestore.damage.rain import Rain
from vsrestore.damage.scratches import DURATIONS, Scratches, profile

from .pictures import flat, noise


def test_profile_has_the_values_of_the_formula():
    distance = np.arange(-4, 5, dtype=np.float32)
    right = [0.3, 0, -0.108, 0, 0.0389]
    np.testing.assert_allclose(profile(distance, 0.3, 0.6, 3), [*right[:0:-1], *right], atol=1e-4)


def test_scratches_stay_from_frame_to_frame_and_change_nothing_outside_their_mask():
    clean = flat(0.5, 96, 128, 5)
    params = FilmDamage(scratches=Scratches(count=3, drift=0.3, broken=0, coloured=0, fleeting=0, wander=0.3))
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
    params = FilmDamage(scratches=Scratches(count=4, drift=0, wander=0, broken=0, fleeting=0))
    correlations = []
    for first in range(0, 3000, 100):
        one, next_one = (damage_film(clean, first, 9, params).damaged - clean)[..., 1]
        if one.any() and next_one.any():
            correlations.append(np.corrcoef(one.ravel(), next_one.ravel())[0, 1])
    assert len(correlations) > 10
    assert np.median(correlations) > 0.9


def test_as_many_scratches_as_asked_for_at_a_time():
    counts = [
        len(events(0, "scratch", frame, 3 / mean_duration(*DURATIONS), DURATIONS)) for frame in range(0, 200_000, 250)
    ]
    assert np.mean(counts) == pytest.approx(3, abs=0.35)


def test_whole_scratches_run_through_and_broken_ones_do_not():
    spans = []
    for broken in (0.0, 1.0):
        params = FilmDamage(scratches=Scratches(count=1, drift=0, strength=0.7, broken=broken, coloured=0, fleeting=0))
        shown = np.concatenate([damage_film(flat(0.5, 240, 64), t, 4, params).mask for t in range(0, 4000, 200)])
        rows = (shown > 0.1).any(axis=2)
        spans.append(rows[rows.any(axis=1)].mean())
    whole, broken = spans
    assert whole > 0.95
    assert 0.1 < broken < whole - 0.1


@pytest.mark.parametrize(("dark", "sign"), [(0.0, 1), (1.0, -1)])
def test_the_share_of_dark_scratches_is_kept_to(dark, sign):
    params = FilmDamage(scratches=Scratches(count=3, dark=dark, coloured=0, broken=0, bundled=0))
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


def centres(params, frames=1, seed=0, height=240):
    """Return the column of the strongest change in every row of every frame, NaN where there is none: (T, H)."""
    done = damage_film(flat(0.5, height, 320, frames), 700, seed, FilmDamage(scratches=params)).mask
    return np.where(done.max(axis=2) > 0.2, done.argmax(axis=2), np.nan)


def alone(seed, **more):
    settings = {"broken": 0, "fleeting": 0, "forked": 0, "bundled": 0, "strength": 0.7, "slant": 0, "drift": 0}
    return centres(Scratches(count=1, **(settings | more)), seed=seed)[0]


def test_scratches_wander_along_the_film():
    def spread(wander):
        courses = [alone(seed, wander=wander) for seed in range(12)]
        return np.median([np.nanstd(course) for course in courses if np.isfinite(course).any()])

    assert spread(0) < 0.7
    assert spread(6) > 1


def test_scratches_lean_as_far_as_allowed():
    def leans(slant):
        rows = np.arange(240)
        for seed in range(25):
            columns = alone(seed, wander=0, slant=slant)
            there = np.isfinite(columns)
            if there.sum() > 200 and np.nanmax(np.abs(np.diff(columns))) < 3:
                yield np.polyfit(rows[there], columns[there], 1)[0]

    assert np.abs(list(leans(0))).max() < 0.01
    assert 0.1 < np.abs(list(leans(0.4))).max() < 0.41


def test_fleeting_scratches_come_and_go():
    def changes(fleeting):
        params = Scratches(count=2, broken=0, fleeting=fleeting, strength=0.7)
        shown = np.isfinite(centres(params, 60, 3, 24)).any(axis=1)
        return int(np.abs(np.diff(shown.astype(int))).sum())

    assert changes(1.0) > changes(0.0)


def test_coloured_scratches_hurt_some_layers_only():
    def spread(coloured):
        params = FilmDamage(scratches=Scratches(count=6, coloured=coloured, broken=0, fleeting=0))
        return np.ptp(damage_film(flat(0.5, 48, 640), 700, 1, params).damaged, axis=-1).max()

    assert spread(0) < 1e-6
    assert spread(1) > 0.05


def test_widths_are_kept_to():
    def width(px):
        params = FilmDamage(scratches=Scratches(count=2, width=(px, px), strength=0.7, fleeting=0, broken=0, opaque=1))
        masks = [damage_film(flat(0.5, 48, 720), 700, seed, params).mask[0] > 0.3 for seed in range(8)]
        return np.median([mask.sum() / 48 for mask in masks if mask.any()])

    assert width(5) > 2.5 * width(1)
