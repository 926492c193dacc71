from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.conversion import Conversion, converted

from .pictures import noise


def colour(*rgb):
    return np.array(rgb, np.float32).reshape(1, 1, 3)


def test_right_conversions_change_nothing():
    picture = noise(1)[0]
    assert np.array_equal(converted(picture, Conversion()), picture)


@pytest.mark.parametrize("matrix", ["601 as 709", "709 as 601"])
def test_gray_stays_gray_under_the_wrong_matrix(matrix):
    np.testing.assert_allclose(converted(colour(0.3, 0.3, 0.3), Conversion(matrix=matrix)), 0.3, atol=1e-6)


def test_a_colour_under_the_wrong_matrix_by_hand():
    """Written as BT.601: Y = 0.38, Cb = -0.10158, Cr = 0.01427 of (0.4, 0.4, 0.2); read with the weights of BT.709."""
    done = converted(colour(0.4, 0.4, 0.2), Conversion(matrix="601 as 709"))[0, 0]
    y = 0.299 * 0.4 + 0.587 * 0.4 + 0.114 * 0.2
    cb, cr = (0.2 - y) / 1.772, (0.4 - y) / 1.402
    red, blue = y + 1.5748 * cr, y + 1.8556 * cb
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    np.testing.assert_allclose(done, [red, green, blue], atol=1e-6)


def test_one_mistake_undoes_the_other():
    picture = 0.4 + 0.2 * noise(1)[0]
    there = converted(picture, Conversion(matrix="601 as 709"))
    np.testing.assert_allclose(converted(there, Conversion(matrix="709 as 601")), picture, atol=1e-5)
    washed = converted(picture, Conversion(levels="limited as full"))
    np.testing.assert_allclose(converted(washed, Conversion(levels="full as limited")), picture, atol=1e-6)


def test_wrong_ranges_map_black_and_white():
    ends = np.array([0, 1], np.float32).reshape(1, 2, 1).repeat(3, axis=-1)
    washed = converted(ends, Conversion(levels="limited as full"))[0, :, 0]
    np.testing.assert_allclose(washed, [16 / 255, 235 / 255], atol=1e-6)
    assert converted(ends, Conversion(levels="full as limited"))[0, :, 0].tolist() == [0, 1]


def test_rounding_leaves_8_bits_of_which_some_are_missing():
    ramp = (np.arange(256, dtype=np.float32) / 255).reshape(1, 256, 1).repeat(3, axis=-1)
    done = converted(ramp, Conversion(roundings=2))
    np.testing.assert_allclose(done * 255, np.round(done * 255), atol=1e-4)
    assert len(np.unique(done)) == 220
    assert np.abs(done - ramp).max() < 1.01 / 255


def test_chroma_of_another_siting_moves_and_the_luma_stays():
    picture = 0.4 + 0.2 * noise(1)[0]
    weights = np.float32([0.299, 0.587, 0.114])
    for siting, expected in ((0.5, slice(0, -2)), (-0.5, slice(2, None))):
        done = converted(picture, Conversion(siting=siting))
        np.testing.assert_allclose(done @ weights, picture @ weights, atol=1e-5)
        blue = (done[..., 2] - done @ weights)[:, 1:-1]
        before = picture[..., 2] - picture @ weights
        np.testing.assert_allclose(blue, 0.5 * (before[:, 1:-1] + before[:, expected]), atol=1e-5)
