from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.echoes import Ghosting, Ringing, ghost, ring

VIEW = view_of(4, 720, None, 0)


def step():
    """A step from 0.2 to 0.8 in the middle of the line."""
    planes = np.full((4, 720, 3), 0.2, np.float32)
    planes[:, 360:] = 0.8
    return planes


def test_peaking_overshoots_on_both_sides():
    luma = ring(step(), Ringing(peaking=0.8), VIEW)[0, :, 0]
    # Beside the edge the Gaussian of 1.5 px has weighed 0.366 of the other side in: 0.8 * 0.366 * 0.6.
    assert luma[360] == pytest.approx(0.8 + 0.176, abs=0.01)
    assert luma[359] == pytest.approx(0.2 - 0.176, abs=0.01)


def test_the_ring_is_to_the_right_with_its_period():
    luma = ring(step(), Ringing(ring=0.4, frequency=0.2), VIEW)[0, :, 0]
    np.testing.assert_allclose(luma[:360], 0.2, atol=1e-5)
    tail = luma[362:380] - luma[400]
    assert (np.diff(np.sign(np.diff(tail))) != 0).sum() >= 3
    assert np.abs(tail[:5]).max() > 3 * np.abs(tail[12:]).max()


def test_smear_is_a_tail():
    luma = ring(step(), Ringing(smear=0.1, smear_length=30), VIEW)[0, :, 0]
    assert 0.74 < luma[361] < luma[380] < luma[440] <= 0.8 + 1e-5
    np.testing.assert_allclose(luma[:360], 0.2, atol=1e-5)


def test_chroma_does_not_ring():
    planes = step()
    done = ring(planes, Ringing(peaking=1, ring=0.4, smear=0.1), VIEW)
    assert np.array_equal(done[..., 1:], planes[..., 1:])


def test_a_ghost_stands_at_its_delay():
    planes = np.zeros((4, 720, 3), np.float32)
    planes[:, 200:230] = 0.5
    done = ghost(planes, 1, 0, Ghosting(gain=0.2, echoes=1, delay=50), VIEW)
    added = np.abs((done - planes)[0, :, 0])
    assert added[255:275].mean() == pytest.approx(0.1, rel=0.5)
    assert added[:240].max() < 0.01
    assert added[290:].max() < 0.01


def test_ghosts_are_constant_but_for_slow_fading():
    planes = np.random.default_rng(1).random((4, 720, 3), dtype=np.float32)
    one, two = (ghost(planes, 1, frame, Ghosting(gain=0.2), VIEW) - planes for frame in (0, 1))
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.98
    assert not np.array_equal(one, two)
