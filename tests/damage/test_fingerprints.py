from __future__ import annotations

import numpy as np

from vsrestore.damage.film import KINDS, FilmDamage, damage_film
from vsrestore.damage.fingerprints import Fingerprints

from .pictures import flat, noise


def test_prints_change_nothing_outside_their_mask_and_count_as_stains():
    clean = noise(3, 120, 160)
    done = damage_film(clean, 5, 2, FilmDamage(fingerprints=Fingerprints(rate=0.5, size=(60, 60))))
    marked = done.mask > 0
    assert 0 < marked.mean() < 0.9
    assert np.array_equal(done.damaged[~marked], clean[~marked])
    assert np.array_equal(done.mask, done.kinds[..., KINDS.index("stains")])


def ridges(pitch):
    """How many times the middle level is crossed along the columns of some prints."""
    crossings = 0
    for frame in range(0, 60, 4):
        params = FilmDamage(fingerprints=Fingerprints(rate=0.3, size=(250, 250), pitch=pitch, opacity=0.6))
        mask = damage_film(flat(0.5, 360, 720), frame, 1, params).mask[0]
        if mask.max() > 0.1:
            crossings += int((np.diff((mask > 0.5 * mask.max()).astype(int), axis=0) != 0).sum())
    return crossings


def test_ridges_are_the_fewer_the_farther_apart():
    assert 1.3 * ridges(20) < ridges(10)
    assert ridges(20) > 1000
