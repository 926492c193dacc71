from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.film import FilmDamage, damage_film
from vsrestore.damage.hairs import Hairs
from vsrestore.damage.transport import Weave

from .pictures import flat, noise


@pytest.mark.parametrize("hairs", [Hairs(loose=3), Hairs(lint=15), Hairs(gate=3)], ids=["loose", "lint", "gate"])
def test_hairs_change_nothing_outside_their_mask(hairs):
    clean = noise(2, 96, 128)
    done = damage_film(clean, 0, 1, FilmDamage(hairs=hairs))
    marked = done.mask > 0
    assert 0 < marked.mean() < 0.2
    assert np.array_equal(done.damaged[~marked], clean[~marked])
    assert np.abs(done.damaged - clean)[marked].mean() > 0.05


def test_hairs_are_thin_and_dark_ones_dark():
    done = damage_film(flat(0.6, 240, 320), 3, 1, FilmDamage(hairs=Hairs(loose=4, dark=1, thickness=1.5)))
    marked = done.mask[0] > 0.3
    inner = marked[1:-1, 1:-1] & marked[:-2, 1:-1] & marked[2:, 1:-1] & marked[1:-1, :-2] & marked[1:-1, 2:]
    assert marked.sum() > 20
    assert inner.mean() < 0.3 * marked.mean()
    assert done.damaged.max() <= 0.6


def test_a_hair_in_the_gate_stays_at_the_edge_and_does_not_weave():
    still, woven = (
        damage_film(flat(0.5, 96, 128, 6), 40, 1, FilmDamage(hairs=Hairs(gate=3, dark=1), weave=weave)).mask
        for weave in (Weave(), Weave(amount=1.5))
    )
    assert np.array_equal(still, woven)
    assert (np.maximum(still[:, 0].max(axis=1), still[:, -1].max(axis=1)) > 0.3).all()
    anchored = still[:, [0, -1]] > 0.3
    assert (anchored[1:] & anchored[:-1]).sum() > 0.8 * anchored[:-1].sum()


def test_hairs_in_the_gate_come_in_at_all_edges_and_most_at_the_bottom():
    params = FilmDamage(hairs=Hairs(gate=1, thickness=2))
    edges = dict.fromkeys(("top", "bottom", "left", "right"), 0)
    for seed in range(60):
        mask = damage_film(flat(0.5, 240, 320), 300, seed, params).mask[0]
        lines = {"top": mask[0], "bottom": mask[-1], "left": mask[:, 0], "right": mask[:, -1]}
        for name, line in lines.items():
            edges[name] += int(line.max() > 0.3)
    assert min(edges.values()) > 0
    assert edges["bottom"] == max(edges.values())
