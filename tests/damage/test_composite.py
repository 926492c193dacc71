from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.composite import Composite, through_composite

VIEW = view_of(32, 96, None, 0)
SYSTEMS = [("ntsc", "notch"), ("pal", "notch"), ("ntsc", "comb")]


def colour_edge():
    """Gray, and from column 48 on a colour of the same luma."""
    planes = np.zeros((32, 96, 3), np.float32)
    planes[..., 0] = 0.5
    planes[:, 48:, 1] = 0.3
    return planes


@pytest.mark.parametrize(("system", "decoder"), SYSTEMS)
def test_a_flat_colour_comes_back(system, decoder):
    planes = np.broadcast_to(np.float32([0.5, 0.2, -0.3]), (32, 96, 3))
    done = through_composite(planes, 3, Composite(amount=1, system=system, decoder=decoder), VIEW)
    np.testing.assert_allclose(done, planes, atol=5e-4)


@pytest.mark.parametrize("system", ["ntsc", "pal"])
def test_colour_edges_have_dots_that_crawl(system):
    planes = colour_edge()
    one, two = (through_composite(planes, t, Composite(amount=1, system=system), VIEW)[..., 0] - 0.5 for t in (0, 1))
    assert np.abs(one[:, 44:52]).max() > 0.03
    assert np.abs(one[:, :24]).max() < 0.005
    assert np.abs(one - two)[:, 44:52].max() > 0.03


def test_ntsc_dots_change_sign_from_frame_to_frame_and_line_to_line():
    one, two = (through_composite(colour_edge(), t, Composite(amount=1), VIEW)[..., 0] - 0.5 for t in (0, 1))
    np.testing.assert_allclose(one, -two, atol=1e-5)
    np.testing.assert_allclose(one[0], -one[2], atol=1e-5)


def test_the_comb_leaves_fewer_dots():
    notch, comb = (
        through_composite(colour_edge(), 0, Composite(amount=1, decoder=decoder), VIEW)[4:-4, :, 0] - 0.5
        for decoder in ("notch", "comb")
    )
    assert np.abs(comb).max() < 0.7 * np.abs(notch).max()


def test_fine_luma_turns_into_colour():
    planes = np.zeros((32, 96, 3), np.float32)
    planes[..., 0] = 0.5 + 0.3 * np.cos(np.pi / 2 * np.arange(96))
    done = through_composite(planes, 0, Composite(amount=1), VIEW)
    assert np.abs(done[4:-4, 20:-20, 1:]).max() > 0.2
    assert done[4:-4, 20:-20, 0].std() < 0.05
