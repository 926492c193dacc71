"""The level of noise in a picture."""

from __future__ import annotations

import numpy as np
import pytest

from vsrestore.video.noise import noise_level


def picture(sigma: float, height: int = 120, width: int = 160) -> np.ndarray:
    """Waves and an edge (3, H, W) with white noise; ``sigma`` where white is 255."""
    y, x = np.mgrid[:height, :width]
    clean = [0.4 + 0.15 * np.sin((x + c) / 6) * np.cos(y / 9) + 0.2 * (x > 80) for c in range(3)]
    noise = np.random.default_rng(3).normal(0, sigma / 255, (3, height, width))
    return (np.array(clean) + noise).clip(0, 1).astype(np.float32)


@pytest.mark.parametrize("sigma", [0, 2, 5, 10, 20, 30])
def test_white_noise_is_measured(sigma: float) -> None:
    assert 255 * noise_level(list(picture(sigma))) == pytest.approx(sigma, abs=0.7)


def test_bars_and_blown_whites_do_not_count() -> None:
    noisy = picture(10)
    noisy[:, :50] = 0
    noisy[:, 90:] = 1
    assert 255 * noise_level(list(noisy)) == pytest.approx(10, abs=0.7)


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (9, 2), (8, 8)])
def test_what_has_no_grey_has_no_noise(shape: tuple[int, int]) -> None:
    assert noise_level([np.zeros(shape, np.float32)]) == 0


def test_small_pictures_are_measured() -> None:
    assert noise_level(list(picture(10, 3, 3))) >= 0
