from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.grain import Grain, add_grain, grain_noise, soft_light

from .pictures import flat


@pytest.mark.parametrize(
    ("overlay", "picture", "expected"), [(255, 128, 191.25), (0, 128, 64.25), (200, 100, 134.56), (60, 100, 79.24)]
)
def test_soft_light_has_the_values_of_the_formula(overlay, picture, expected):
    result = soft_light(np.float32([overlay / 255]), np.float32([picture / 255]))
    assert result[0] * 255 == pytest.approx(expected, abs=0.3)


def test_soft_light_leaves_black_and_white_and_a_neutral_overlay_leaves_all():
    levels = np.linspace(0, 1, 9, dtype=np.float32)
    assert np.array_equal(soft_light(np.full(9, 0.5, np.float32), levels), levels)
    for overlay in (0.0, 1.0):
        ends = soft_light(np.full(2, overlay, np.float32), np.float32([0, 1]))
        assert ends.tolist() == [0, 1]


@pytest.mark.parametrize("size", [0.0, 0.7, 1.2])
@pytest.mark.parametrize("coloured", [False, True])
def test_grain_noise_has_unit_variance_at_any_size(size, coloured):
    noise = grain_noise(0, 0, (300, 400), Grain(amount=0.1, size=size, coloured=coloured))
    expected = [1, 1, 1.5] if coloured else [1]
    np.testing.assert_allclose(noise.std(axis=(0, 1)), expected, rtol=0.05)
    neighbours = np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1]
    assert neighbours == pytest.approx(np.exp(-0.25 / size**2) if size else 0, abs=0.06)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.8])
def test_grain_in_density_has_the_sigma_of_the_formula_and_keeps_the_mean_density(level):
    picture = flat(level, 200, 300)[0]
    density = -2.2 * np.log10(add_grain(picture, 1, 0, Grain(amount=0.05)).astype(np.float64))
    expected = -2.2 * np.log10(level)
    assert density.mean() == pytest.approx(expected, abs=0.002)
    assert density.std() == pytest.approx(0.05 * np.sqrt(expected), rel=0.05)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.8])
def test_signal_dependent_grain_has_the_sigma_of_the_formula(level):
    picture = flat(level, 200, 300)[0]
    grained = add_grain(picture, 1, 0, Grain(method="signal", amount=0.04))
    assert grained.std() == pytest.approx(0.04 * 4 * level * (1 - level), rel=0.05)
    assert grained.mean() == pytest.approx(level, abs=0.001)


def test_a_soft_light_overlay_keeps_the_mean_within_a_hundredth():
    picture = np.random.default_rng(0).random((100, 100, 3), dtype=np.float32)
    grained = add_grain(picture, 1, 0, Grain(method="softlight", amount=0.1))
    assert grained.mean() == pytest.approx(picture.mean(), rel=0.01)
    assert (grained - picture).std() > 0.005


def test_grain_is_gray_unless_coloured_and_new_in_every_frame():
    picture = flat(0.5)[0]
    gray, coloured = (add_grain(picture, 1, 0, Grain(amount=0.05, coloured=c)) for c in (False, True))
    assert np.ptp(gray, axis=-1).max() < 1e-6
    assert np.ptp(coloured, axis=-1).max() > 0.01
    other = add_grain(picture, 1, 1, Grain(amount=0.05))
    assert abs(np.corrcoef(gray[..., 0].ravel(), other[..., 0].ravel())[0, 1]) < 0.1
