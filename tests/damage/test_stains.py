from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.stains import Stains

from .pictures import flat, noise


def stained(params, length=1, seed=1, level=0.5, first=40):
    return damage_film(flat(level, 120, 160, length), first, seed, FilmDamage(stains=params))


def test_stains_change_nothing_outside_their_mask_and_leave_the_picture_to_be_seen():
    clean = 0.2 + 0.4 * noise(2, 120, 160)
    done = damage_film(clean, 9, 3, FilmDamage(stains=Stains(rate=0.5, opacity=0.4, drops=0.5)))
    marked = done.mask > 0
    assert marked.any()
    assert np.array_equal(done.damaged[~marked], clean[~marked])
    assert np.corrcoef(done.damaged[marked].ravel(), clean[marked].ravel())[0, 1] > 0.7


@pytest.mark.parametrize(("bright", "sign"), [(0.0, -1), (1.0, 1)])
def test_the_share_of_bright_stains_is_kept_to(bright, sign):
    changes = [
        (done.damaged - 0.5)[done.mask > 0.05].mean()
        for seed in range(6)
        if (done := stained(Stains(rate=0.5, bright=bright, tint=0), seed=seed)).mask.max() > 0.05
    ]
    assert len(changes) > 2
    assert all(np.sign(change) == sign for change in changes)


def test_stains_are_as_soft_as_asked_for():
    def steepest(softness):
        steps = []
        for seed in range(8):
            params = Stains(rate=0.1, softness=(softness, softness), rim=0, drops=0, milky=0, bright=0)
            steps.append(np.abs(np.diff(stained(params, seed=seed).damaged[0], axis=1)).max())
        return np.median([step for step in steps if step])

    assert 0 < steepest(1.2) < 0.5 * steepest(0.1)


def test_lasting_stains_stay_and_others_run_along_the_film():
    def likeness(lasting):
        values = []
        for seed in range(24):
            done = stained(Stains(rate=0.1, lasting=lasting, drops=0, milky=0), 2, seed)
            one, other = (done.damaged - 0.5)[..., 1]
            if one.std() > 0.002 and other.std() > 0.002:
                values.append(np.corrcoef(one.ravel(), other.ravel())[0, 1])
        assert len(values) > 2
        return np.median(values)

    assert likeness(1.0) > 0.99
    assert likeness(0.0) < 0.9
