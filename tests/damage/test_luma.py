from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.luma import Levels, LumaNoise, add_luma_noise, luma_noise, set_levels

VIEW = view_of(240, 720, None, 0)


@pytest.mark.parametrize(("level", "factor"), [(0.0, 1.5), (0.5, 1.25), (1.0, 1.0)])
def test_noise_is_stronger_in_the_dark(level, factor):
    planes = np.full((240, 720, 3), level, np.float32)
    noisy = add_luma_noise(planes, 1, 0, LumaNoise(amount=0.03), VIEW)
    assert noisy[..., 0].std() == pytest.approx(0.03 * factor, rel=0.03)
    assert noisy[..., 0].mean() == pytest.approx(level, abs=1e-3)
    assert np.array_equal(noisy[..., 1:], planes[..., 1:])


def test_noise_has_more_high_than_low_frequencies():
    spectrum = np.abs(np.fft.rfft(luma_noise(1, 0, 0.7, 0.0, VIEW), axis=1)).mean(axis=0)
    # The weighting has a gain of 0.3 at frequency 0 and of 1 at the highest.
    assert spectrum[-20:].mean() / spectrum[1:20].mean() == pytest.approx(1 / 0.3, rel=0.1)
    limited = np.abs(np.fft.rfft(luma_noise(1, 0, 0.7, 1.0, VIEW), axis=1)).mean(axis=0)
    assert limited[-20:].mean() < 0.2 * limited[1:20].mean()


def test_without_weighting_noise_is_correlated_as_its_gaussian():
    noise = luma_noise(1, 0, 0.0, 1.15, VIEW)
    for lag in (1, 2):
        expected = np.exp(-(lag**2) / (4 * 1.15**2))
        assert np.mean(noise[:, lag:] * noise[:, :-lag]) == pytest.approx(expected, abs=0.04)


def test_streaks_are_few_and_no_higher_than_told():
    planes = np.zeros((240, 720, 3), np.float32)
    added = add_luma_noise(planes, 1, 0, LumaNoise(streaks=0.001, streak=0.2), VIEW)[..., 0]
    assert 0.1 < np.abs(added).max() <= 0.2
    assert np.mean(np.abs(added) > 0.02) < 0.05


def test_levels():
    planes = np.full((240, 720, 3), 0.5, np.float32)
    done = set_levels(planes, 1, 0, Levels(gain=1.2, lift=0.05), VIEW)
    np.testing.assert_allclose(done[..., 0], 0.65, rtol=1e-6)
    np.testing.assert_allclose(done[..., 1:], 0.6, rtol=1e-6)


def test_hum_rolls_and_the_gain_pumps():
    planes = np.full((240, 720, 3), 0.5, np.float32)
    bars = [set_levels(planes, 1, frame, Levels(hum=0.05), VIEW)[:, 0, 0] for frame in (0, 1, 10)]
    assert bars[0].max() == pytest.approx(0.525, rel=1e-3)
    assert np.argmax(bars[0]) - np.argmax(bars[1]) == 24
    np.testing.assert_allclose(bars[0], bars[2], atol=1e-5)
    means = [set_levels(planes, 1, frame, Levels(pumping=0.05), VIEW).mean() / 0.5 for frame in range(0, 3000, 30)]
    assert np.std(means) == pytest.approx(0.05, rel=0.3)


def test_frozen_noise_is_as_strong_and_stays_from_frame_to_frame():
    planes = np.ones((240, 720, 3), np.float32)
    one, other = (add_luma_noise(planes, 1, n, LumaNoise(amount=0.05, frozen=0.7), VIEW)[..., 0] - 1 for n in (4, 5))
    assert one.std() == pytest.approx(0.05, rel=0.02)
    assert np.mean(one * other) / one.var() == pytest.approx(0.7 * 0.3 / (0.7**2 + 0.3**2), abs=0.02)


def test_levels_are_clipped_before_the_gain_and_shaded():
    planes = np.linspace(-0.1, 1.1, 240 * 720, dtype=np.float32).reshape(240, 720, 1).repeat(3, axis=-1)
    done = set_levels(planes, 1, 0, Levels(white=0.9, black=0.1, gain=1.1), VIEW)
    assert done[..., 0].min() == pytest.approx(0.11, rel=1e-5)
    assert done[..., 0].max() == pytest.approx(0.99, rel=1e-5)
    np.testing.assert_allclose(done[..., 1:], 1.1 * planes[..., 1:], rtol=1e-5)
    shaded = set_levels(np.ones((240, 720, 3), np.float32), 1, 0, Levels(shading=0.2), VIEW)[:, 0, 0]
    assert (shaded[0], shaded[120], shaded[-1]) == pytest.approx((0.8, 1, 1.2), abs=0.01)
