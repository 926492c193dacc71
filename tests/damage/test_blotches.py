from __future__ import annotations

import numpy as np

from vsrestore.damage.blotches import Blotches, Mould
from vsrestore.damage.film import FilmDamage, damage_film

from .pictures import flat, noise


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


def test_mould_covers_as_much_as_told_and_more_at_the_edges_of_the_film():
    masks = damage_film(flat(0.5, 240, 320, 12), 0, 1, FilmDamage(mould=Mould(cover=0.2))).mask > 0.1
    assert 0.08 < masks.mean() < 0.4
    assert masks[:, :, :40].mean() > 2 * masks[:, :, 140:180].mean()


def test_mould_is_of_one_kind_but_new_in_each_frame():
    one, other = damage_film(flat(0.5, 240, 320, 2), 0, 1, FilmDamage(mould=Mould(cover=0.3)))[0]
    assert not np.array_equal(one, other)
    tints = [np.median((part - 0.5)[np.abs(part - 0.5).max(axis=-1) > 0.05], axis=0) for part in (one, other)]
    np.testing.assert_allclose(tints[0] / tints[0].sum(), tints[1] / tints[1].sum(), atol=0.02)
