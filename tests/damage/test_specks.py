from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.specks import Dirt, draw_specks

from .pictures import flat, noise


@pytest.mark.parametrize(("burst", "tolerance"), [(0.0, 3 * np.sqrt(6 * 500)), (0.7, 600)])
def test_dirt_comes_as_often_as_its_rate(burst, tolerance):
    view, dirt = view_of(480, 640, None, 0), Dirt(rate=6, burst=burst)
    count = sum(len(draw_specks(1, frame, dirt, view).y) for frame in range(500))
    assert abs(count - 6 * 500) < tolerance


def test_specks_have_the_stated_sizes_colours_and_places():
    view, dirt = view_of(540, 720, None, 0), Dirt(rate=400, burst=0, tint=0, clusters=0, dark=0.7)
    specks = draw_specks(0, 0, dirt, view)
    areas = np.pi * specks.radius**2
    assert np.median(areas) == pytest.approx(12, rel=0.2)
    assert areas.min() >= 1.99
    assert areas.max() <= 601
    dark = specks.colour[:, 0] < 0.5
    assert dark.mean() == pytest.approx(0.7, abs=0.08)
    assert specks.colour[dark].max() <= 0.15
    assert specks.colour[~dark].min() >= 0.85
    assert specks.opacity.min() >= 0.6
    assert (specks.y >= 0).all()
    assert (specks.y < 540).all()
    assert (specks.x >= 0).all()
    assert (specks.x < 720).all()


def test_sizes_scale_with_the_width_of_the_frame():
    small, large = (draw_specks(0, 0, Dirt(rate=50), view_of(w * 3 // 4, w, None, 0)) for w in (360, 720))
    np.testing.assert_allclose(small.radius * 2, large.radius, rtol=1e-5)


def test_dirt_does_not_come_back_at_the_same_place():
    masks = damage_film(flat(0.5, 240, 320, 12), 0, 5, FilmDamage(dirt=Dirt(rate=20, burst=0))).mask > 0
    covered = masks.mean()
    both = np.mean([(a & b).mean() for a, b in zip(masks[1:], masks[:-1], strict=True)])
    assert 0 < covered < 0.05
    assert both < 5 * covered**2 + 1e-4


def test_dirt_covers_and_changes_nothing_outside_its_mask():
    clean = noise(2, 96, 128)
    done = damage_film(clean, 0, 1, FilmDamage(dirt=Dirt(rate=60, area=40, halo=0.4)))
    marked = done.mask > 0
    assert 0.001 < marked.mean() < 0.5
    assert np.array_equal(done.damaged[~marked], clean[~marked])
    assert (np.abs(done.damaged - clean).max(axis=-1)[done.mask > 0.5] > 0.01).mean() > 0.9
