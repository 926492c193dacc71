from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.banding import Banding, banded

from .pictures import noise


@pytest.mark.parametrize("bits", [4, 5, 7])
def test_only_the_levels_of_the_bits_are_left(bits):
    done = banded(noise()[0], Banding(bits=bits), 1.0)
    levels = 2**bits - 1
    np.testing.assert_allclose(done * levels, np.rint(done * levels), atol=1e-4)
    assert len(np.unique(done)) == levels + 1
    assert np.abs(done - noise()[0]).max() <= 0.5 / levels + 1e-6


def test_half_a_level_rounds_up():
    picture = np.full((1, 1, 3), 0.5, np.float32)
    assert banded(picture, Banding(bits=1), 1.0)[0, 0, 0] == 1


def test_smoothing_comes_first():
    rough, soft = (banded(noise()[0], Banding(bits=4, smooth=sigma), 1.0) for sigma in (0.0, 4.0))
    assert len(np.unique(soft)) < len(np.unique(rough))
    assert soft.shape == rough.shape
