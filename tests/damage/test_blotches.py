from __future__ import annotations

import numpy as np

from vsrestore.damage.blotches import Blotches
from vsrestore.damage.film import FilmDamage, damage_film

from .pictures import noise


def test_blotches_change_nothing_outside_their_mask():
    clean = noise(3, 96, 128)
    done = damage_film(clean, 0, 1, FilmDamage(blotches=Blotches(rate=3)))
    marked = done.mask > 0
    assert 0 < marked.mean() < 0.6
    assert np.array_equal(done.damaged[~marked], clean[~marked])


def test_one_can_see_through_a_blotch():
    clean = 0.2 + 0.2 * noise(3, 96, 128)
    done = damage_film(clean, 0, 1, FilmDamage(blotches=Blotches(rate=3, opacity=0.5)))
    marked = done.mask > 0.2
    ratio = done.damaged / clean
    assert marked.any()
    assert ratio[marked].min() > 0.4
    assert np.abs(ratio[marked] - 1).mean() > 0.05


def test_the_share_of_bright_blotches_is_kept_to():
    clean = 0.3 + 0.1 * noise(4, 64, 64)
    for bright in (0.0, 1.0):
        done = damage_film(clean, 0, 3, FilmDamage(blotches=Blotches(rate=4, bright=bright)))
        change = (done.damaged - clean)[done.mask > 0]
        assert (np.sign(change) == (1 if bright else -1)).mean() > 0.95
