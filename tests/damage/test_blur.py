from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.blur import Defocus, MotionBlur, blurred, disc_kernel, motion_kernel

from .pictures import flat, noise


@pytest.mark.parametrize("straight", [0, 1])
def test_motion_kernels_are_paths_of_the_told_length(straight):
    extents = []
    for frame in range(60):
        kernel = motion_kernel(1, frame, MotionBlur(length=20, straight=straight), 1.0)
        assert kernel.shape[0] == kernel.shape[1]
        assert kernel.shape[0] % 2 == 1
        assert kernel.sum() == pytest.approx(1, abs=1e-5)
        rows, columns = np.nonzero(kernel > 1e-4)
        extents.append(max(np.ptp(rows), np.ptp(columns)))
        centre = (kernel.sum(axis=0) * np.arange(len(kernel))).sum()
        assert centre == pytest.approx(len(kernel) // 2, abs=0.01)
    assert np.mean(extents) == pytest.approx(20, abs=2)
    assert np.ptp(extents) > 5


def test_straight_paths_are_thin():
    kernel = motion_kernel(1, 0, MotionBlur(length=30, straight=1), 1.0)
    rows, columns = np.nonzero(kernel > 1e-4)
    weights = kernel[rows, columns]
    spread = np.linalg.eigvalsh(np.cov(np.stack([rows, columns]), aweights=weights))
    assert spread[0] < 0.02 * spread[1]


def test_the_disc_has_its_area_and_breathes():
    kernel = disc_kernel(1, 0, Defocus(radius=6, breathing=0), 1.0)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert 1 / kernel.max() == pytest.approx(np.pi * 36, rel=0.03)
    peaks = [disc_kernel(1, frame, Defocus(radius=6, breathing=0.2), 1.0).max() for frame in range(10)]
    assert len(set(peaks)) > 1


def test_the_mean_is_taken_in_linear_light():
    """The mean of 0.1 and 0.9 in light is 0.659."""
    picture = np.empty((3, 4, 3), np.float32)
    picture[:, 0::2], picture[:, 1::2] = 0.1, 0.9
    kernel = np.zeros((3, 3), np.float32)
    kernel[1, 1:] = 0.5
    assert blurred(picture, kernel)[1, 1, 0] == pytest.approx(0.659, abs=1e-3)


def test_blur_is_a_convolution():
    picture, kernel = np.zeros((7, 7, 3), np.float32), np.zeros((3, 3), np.float32)
    picture[3, 3] = 1
    kernel[0, 2] = 1
    moved = blurred(picture, kernel)
    assert np.argwhere(moved[..., 0] > 0.5).tolist() == [[2, 4]]


def test_blur_keeps_flat_pictures_and_lowers_detail():
    kernel = disc_kernel(1, 0, Defocus(radius=3), 1.0)
    np.testing.assert_allclose(blurred(flat(0.3)[0], kernel), 0.3, rtol=1e-5)
    assert blurred(noise()[0], kernel).std() < 0.3 * noise()[0].std()
