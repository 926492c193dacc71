from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.cue_marks import CueMarks
from vsrestore.damage.film import KINDS, FilmDamage, damage_film

from .pictures import flat, noise


def test_cue_marks_last_three_to_five_frames_near_the_upper_right_corner():
    params = FilmDamage(cue_marks=CueMarks(rate=0.01))
    shows, places = [], []
    for first in range(0, 900, 60):
        mask = damage_film(flat(0.5, 96, 128, 60), first, 2, params).mask
        shows += (mask.max(axis=(1, 2)) > 0).tolist()
        places += [tuple(place) for place in np.argwhere(mask > 0)[:, 1:]]
    edges = np.flatnonzero(np.diff(np.array([False, *shows, False]).astype(int)))
    runs = (edges[1::2] - edges[::2]).tolist()
    assert len(runs) >= 4
    assert len(set(runs)) > 1
    assert set(runs) <= {3, 4, 5}
    y, x = np.array(places).T
    assert (y < 0.2 * 96).all()
    assert (x > 0.8 * 128).all()


def test_reels_end_with_two_marks_of_four_frames():
    params = FilmDamage(cue_marks=CueMarks(reel=1000))
    wanted = {reel + start + i for reel in (0, 1000) for start in (808, 976) for i in range(4)}
    clean = flat(0.5, 96, 128)
    near = sorted({n + i for n in wanted for i in range(-4, 5)} | set(range(0, 2000, 50)))
    assert {n for n in near if damage_film(clean, n, 1, params).mask.any()} == wanted
    y, x = np.argwhere(damage_film(clean, 808, 1, params).mask[0] > 0.3).mean(axis=0)
    assert (y / 96, x / 128) == pytest.approx((0.075, 0.935), abs=0.04)


def test_marks_change_nothing_outside_their_mask_and_are_noted_as_what_they_are():
    clean = noise(6, 96, 128)
    done = damage_film(clean, 0, 1, FilmDamage(cue_marks=CueMarks(rate=0.9, anywhere=True, coloured=0.5)))
    assert np.array_equal(done.damaged[done.mask == 0], clean[done.mask == 0])
    assert {KINDS[i] for i in np.flatnonzero(done.kinds.any(axis=(0, 1, 2)))} == {"cue marks"}


def test_sizes_are_kept_to_and_rings_are_among_the_marks():
    hollow = []
    for seed in range(40):
        marks = CueMarks(rate=0.3, size=(0.04, 0.04), spread=0)
        mask = damage_film(flat(0.5, 240, 320), 3, seed, FilmDamage(cue_marks=marks)).mask[0]
        if mask.any():
            ys, xs = np.nonzero(mask > 0.2)
            assert np.ptp(ys) < 4 * 0.04 * 240
            hollow.append(mask[round(ys.mean()), round(xs.mean())] < 0.1)
    assert len(hollow) > 10
    assert 0.05 < np.mean(hollow) < 0.8
