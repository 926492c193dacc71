from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.burns import Burns
from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.noise import events

from .pictures import flat

BURNS = Burns(rate=0.02, size=0.4)


@pytest.fixture(scope="module")
def burning():
    """The masks and pictures of one burn, frame by frame."""
    for n in range(2000):
        found = events(2, "burn", n, BURNS.rate, (10, 30))
        if found and all(events(2, "burn", n + i, BURNS.rate, (10, 30)) == found for i in range(found[0].length)):
            return damage_film(flat(0.4, 120, 160, found[0].length), n, 2, FilmDamage(burns=BURNS))
    raise AssertionError


def test_a_burn_grows(burning):
    areas = (burning.mask > 0.5).mean(axis=(1, 2))
    assert (np.diff(areas) >= 0).all()
    assert areas[-1] > 5 * areas[2]


def test_it_is_white_inside_a_brown_rim(burning):
    last = burning.damaged[-1]
    hole, rim = last.min(axis=-1) > 0.85, last.max(axis=-1) < 0.3
    assert hole.sum() > 50
    assert rim.sum() > 20
    assert last[rim][:, 0].mean() > last[rim][:, 2].mean() + 0.05


def test_outside_nothing_changes(burning):
    clear = burning.mask == 0
    assert clear.any()
    assert np.array_equal(burning.damaged[clear], burning.clean[clear])
