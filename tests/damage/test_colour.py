from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.colour import Fading, faded, luma, toned

from .pictures import noise


def test_luma_weighs_the_primaries_as_bt601():
    np.testing.assert_allclose(luma(np.eye(3, dtype=np.float32))[:, 0], [0.299, 0.587, 0.114])


def test_gray_has_equal_channels_and_the_luma_of_the_picture():
    frames = noise()
    gray = toned(frames, "gray")
    assert np.ptp(gray, axis=-1).max() == 0
    np.testing.assert_allclose(luma(gray), luma(frames), atol=1e-6)


def test_sepia_has_the_values_of_the_formula():
    expected = np.clip(np.array([1.07, 0.95, 0.75]) * 0.5**0.95, 0, 1)
    np.testing.assert_allclose(toned(np.full((1, 1, 1, 3), 0.5, np.float32), "sepia")[0, 0, 0], expected, rtol=1e-5)


def test_colour_and_unfaded_are_the_identity():
    frames = noise()
    assert toned(frames, "colour") is frames
    assert faded(frames, Fading()) is frames


def test_fading_has_the_values_of_the_formula():
    fading = Fading(gain=(0.9, 0.8, 0.7), lift=(0.1, 0.05, 0.0), gamma=1.2)
    result = faded(np.full((1, 1, 1, 3), 0.4, np.float32), fading)[0, 0, 0]
    np.testing.assert_allclose(result, np.array([0.1, 0.05, 0]) + np.array([0.9, 0.8, 0.7]) * 0.4**1.2, rtol=1e-5)


def test_saturation_draws_towards_the_luma():
    frames = noise()
    half = faded(frames, Fading(saturation=0.5))
    np.testing.assert_allclose(half, (frames + luma(frames)) / 2, atol=1e-6)
    assert np.ptp(faded(frames, Fading(saturation=0.0)), axis=-1).max() == pytest.approx(0, abs=1e-6)
