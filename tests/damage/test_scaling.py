from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.scaling import reduced_size, resized

from .pictures import flat, noise, smooth

KERNELS = ("area", "bilinear", "bicubic", "lanczos")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [(24, 32), (20, 22), (96, 128)])
def test_flat_pictures_stay_flat(kernel, size):
    done = resized(flat(0.3), *size, kernel)
    assert done.shape == (1, *size, 3)
    assert done.dtype == np.float32
    np.testing.assert_allclose(done, 0.3, rtol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_same_size_is_the_same_picture(kernel):
    np.testing.assert_allclose(resized(noise(), 48, 64, kernel), noise(), atol=1e-6)


def test_area_is_the_mean_of_blocks():
    frames = noise()
    blocks = frames.reshape(3, 24, 2, 32, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(resized(frames, 24, 32, "area"), blocks, atol=1e-6)


def test_bicubic_is_that_of_pillow():
    image = pytest.importorskip("PIL.Image")
    frames = noise(1)
    for height, width in ((24, 32), (20, 30), (96, 100)):
        channel = image.fromarray(frames[0, ..., 1]).resize((width, height), image.Resampling.BICUBIC)
        np.testing.assert_allclose(resized(frames, height, width)[0, ..., 1], np.asarray(channel), atol=2e-5)


def test_the_place_of_the_picture_stays():
    picture = smooth()[None]
    back = resized(resized(picture, 64, 86), 96, 128)
    assert np.abs(back - picture)[:, 8:-8, 8:-8].max() < 0.05


def test_without_antialiasing_fine_detail_makes_false_patterns():
    stripes = np.broadcast_to((np.arange(66) % 2)[None, None, :, None], (1, 48, 66, 3)).astype(np.float32)
    good, bad = (resized(stripes, 24, 22, antialias=on)[:, :, 3:-3].std() for on in (True, False))
    assert good < 0.15 < bad


@pytest.mark.parametrize(("size", "factor", "expected"), [(480, 2, 240), (100, 3, 34), (3, 4, 2)])
def test_sizes_are_even(size, factor, expected):
    assert reduced_size(size, factor) == expected
