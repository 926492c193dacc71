from __future__ import annotations

import numpy as np
import pytest

from vsrestore.comparison.measures import Flicker, change, psnr, squared_error, ssim


@pytest.fixture
def pair():
    rng = np.random.default_rng(1)
    one = np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    return one, np.clip(one + rng.normal(0, 20, one.shape), 0, 255).astype(np.uint8)


def test_ssim_and_error_are_those_of_scikit_image(pair):
    metrics = pytest.importorskip("skimage.metrics")
    one, other = pair
    expected = metrics.structural_similarity(one / 255, other / 255, channel_axis=-1, data_range=1)
    assert ssim(one, other) == pytest.approx(expected, abs=1e-5)
    assert psnr(squared_error(one, other)) == pytest.approx(
        metrics.peak_signal_noise_ratio(one, other, data_range=255), abs=1e-3
    )


def test_figures_by_hand():
    """Two flat pictures: only the means count, and SSIM is their luminance term."""
    one, other = np.full((9, 8, 3), 51, np.uint8), np.full((9, 8, 3), 102, np.uint8)
    assert squared_error(one, other) == pytest.approx(0.04)
    assert psnr(squared_error(one, other)) == pytest.approx(13.979, abs=1e-3)
    assert change(one, other) == 51
    assert ssim(one, other) == pytest.approx((2 * 0.2 * 0.4 + 1e-4) / (0.04 + 0.16 + 1e-4), abs=1e-4)


def test_equal_pictures(pair):
    assert squared_error(pair[0], pair[0]) == change(pair[0], pair[0]) == 0
    assert psnr(0) == 100
    assert ssim(pair[0], pair[0]) == pytest.approx(1)


def test_a_still_picture_does_not_flicker(pair):
    flicker = Flicker()
    assert flicker.follow({"after": pair[0]}, False) == {"after": None}
    assert flicker.follow({"after": pair[0]}, False) == {"after": 0}


def test_flicker_is_the_change_in_codes_of_luma(pair):
    """Leading clip still: what the other adds to every pixel is its flicker, by the weights of luma."""
    still, gray = pair[0], np.full_like(pair[0], 100)
    redder = gray + np.array([10, 0, 0], np.uint8)
    flicker = Flicker()
    flicker.follow({"truth": still, "before": gray, "after": gray}, False)
    found = flicker.follow({"truth": still, "before": gray + np.uint8(7), "after": redder}, False)
    assert found == pytest.approx({"truth": 0, "before": 7, "after": 2.99}, abs=1e-3)


def test_motion_is_no_flicker():
    rng = np.random.default_rng(2)
    wide = np.kron(rng.integers(30, 220, (12, 26, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    flicker = Flicker()
    flicker.follow({"truth": wide[:, :192], "after": wide[:, :192]}, False)
    along = flicker.follow({"truth": wide[:, 3:195], "after": wide[:, 3:195]}, False)
    plain = np.abs(wide[:, 3:195].astype(float) - wide[:, :192]).mean()
    assert along["after"] == along["truth"]
    assert 0 < along["after"] < 0.1 * plain


def test_motion_is_that_of_the_leading_clip():
    """A clip that stands still while the leading one moves is not forgiven its stillness."""
    rng = np.random.default_rng(2)
    wide = np.kron(rng.integers(30, 220, (12, 26, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    flicker = Flicker()
    flicker.follow({"truth": wide[:, :192], "after": wide[:, :192]}, False)
    found = flicker.follow({"truth": wide[:, 3:195], "after": wide[:, :192]}, False)
    assert found["after"] > 10 * found["truth"]


def test_a_new_shot_has_no_flicker_and_the_next_frame_follows_it(pair):
    flicker = Flicker()
    flicker.follow({"after": pair[0]}, False)
    assert flicker.follow({"after": 255 - pair[0]}, True) == {"after": None}
    assert flicker.follow({"after": 255 - pair[0]}, False) == {"after": 0}


def test_flicker_that_is_not_wanted_is_not_measured(pair, monkeypatch):
    flicker = Flicker()
    flicker.follow({"after": pair[0]}, False)
    monkeypatch.setattr("vsrestore.comparison.measures._motion", lambda *_: pytest.fail("measured"))
    assert flicker.follow({"after": pair[1]}, False, measured=False) == {"after": None}
    monkeypatch.undo()
    assert flicker.follow({"after": pair[1]}, False) == {"after": 0}  # from the frame before all the same
