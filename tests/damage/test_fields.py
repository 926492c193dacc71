from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.fields import Interlacing, interlace

from .pictures import noise


@pytest.mark.parametrize(("bottom_first", "first_row", "later"), [(False, 0, 1), (True, 0, 0), (False, 5, 0)])
def test_the_later_field_is_of_the_next_frame(bottom_first, first_row, later):
    now, then = noise(2)
    combed = interlace(now, then, Interlacing(combing=1, bottom_first=bottom_first), first_row)
    np.testing.assert_allclose(combed[later::2], then[later::2], atol=1e-6)
    assert np.array_equal(combed[1 - later :: 2], now[1 - later :: 2])


def test_a_still_picture_does_not_comb():
    now = noise(1)[0]
    assert np.array_equal(interlace(now, now, Interlacing(combing=1)), now)


def test_softening_weighs_a_quarter_a_half_a_quarter():
    now = np.zeros((5, 1, 1), np.float32)
    now[2] = 1
    assert interlace(now, now, Interlacing(combing=1, soften=1)).ravel().tolist() == [0, 0.25, 0.5, 0.25, 0]
