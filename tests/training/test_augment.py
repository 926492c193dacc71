import itertools

import numpy as np
import pytest

from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe


def rng(seed=0):
    return np.random.default_rng(seed)


def clip(t=5, h=80, w=96, seed=0):
    return rng(seed).integers(0, 256, (t, h, w, 3), dtype=np.uint8)


@pytest.mark.parametrize("shrunk", [0.0, 1.0])
def test_crop_has_the_size_asked_for(shrunk):
    out = augment.crop(clip(), DataRecipe(crop=64, shrunk=shrunk), 0.6, rng())
    assert out.shape == (5, 64, 64, 3)
    assert out.dtype == np.float32
    assert 0 <= out.min() <= out.max() <= 1


def test_crop_cuts_every_frame_at_the_same_place():
    frames = np.repeat(clip(t=1), 3, axis=0)
    out = augment.crop(frames, DataRecipe(crop=64, shrunk=0.5), 0.6, rng())
    assert (out == out[:1]).all()


def test_crop_refuses_a_shot_that_is_too_small():
    with pytest.raises(ValueError, match="smaller than the crop"):
        augment.crop(clip(), DataRecipe(crop=128), 0.6, rng())


def test_vary_treats_all_frames_alike_and_stays_in_range():
    still = np.repeat(clip(t=1).astype(np.float32) / 255, 3, axis=0)
    for seed in range(20):
        out = augment.vary(still, DataRecipe(sparks=0.0, tones=1.0), rng(seed))
        assert (out == out[:1]).all()
        assert 0 <= out.min() <= out.max() <= 1


def test_black_edges_are_at_the_same_place_in_all_frames_and_leave_the_rest():
    bright = np.full((3, 64, 48, 3), 0.5, np.float32)
    edges = set()
    for seed in range(30):
        out = augment.vary(bright, DataRecipe(sparks=0.0, tones=0.0, edged=1.0), rng(seed))
        assert (out == out[:1]).all()
        dark = out[0, ..., 0] < 0.1
        assert not dark[augment.WIDEST_EDGE : -augment.WIDEST_EDGE, augment.WIDEST_EDGE : -augment.WIDEST_EDGE].any()
        edges.add((dark[0].all(), dark[-1].all(), dark[:, 0].all(), dark[:, -1].all()))
    assert len(edges) > 8
    assert (bright == 0.5).all()


def test_gray_has_three_equal_channels():
    out = augment.gray(clip().astype(np.float32) / 255)
    assert out.shape == (5, 80, 96, 3)
    assert (out[..., 0] == out[..., 2]).all()


def test_blur_keeps_the_mean_and_lowers_the_contrast():
    frames = clip().astype(np.float32) / 255
    out = augment.blur(frames, 0.8)
    assert out.mean() == pytest.approx(frames.mean(), abs=2e-3)
    assert out.std() < 0.8 * frames.std()


def test_compress_comes_close_to_a_smooth_picture():
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    frames = np.broadcast_to(ramp[None, None, :, None], (2, 64, 64, 3)).copy()
    assert np.abs(augment.compress(frames, 90) - frames).mean() < 0.02


def test_sparks_are_in_several_frames_and_move():
    black = np.zeros((7, 96, 96, 3), np.float32)
    moving = 0
    for seed in range(10):
        lit = augment.throw_sparks(black, rng(seed)).max(axis=-1) > 0.3
        moving += sum(bool((a & ~b).any() and a.any() and b.any()) for a, b in itertools.pairwise(lit))
    assert moving > 30
    assert not black.any()


def test_bodies_are_large_and_cross_the_frames():
    grey = np.full((9, 96, 96, 3), 0.5, np.float32)
    largest, moved = [], 0
    for seed in range(10):
        there = (augment.pass_bodies(grey, rng(seed)) != 0.5).any(-1)
        largest.append(there.sum((1, 2)).max())
        moved += bool((there.any(0) & ~there.all(0)).any())
    assert np.median(largest) > 400
    assert moved > 8
    assert (grey == 0.5).all()


def test_zoom_moves_a_picture_smoothly_and_by_its_own_way():
    ramp = np.broadcast_to(np.arange(160, dtype=np.uint8)[None, :, None], (120, 160, 3)).copy()
    ways = set()
    for seed in range(8):
        out = augment.zoom(ramp, 32, 5, rng(seed))
        assert out.shape == (5, 32, 32, 3)
        assert out.dtype == np.float32
        middle = out[:, 16, 16, 0] * 255
        steps = np.diff(middle)
        assert np.abs(np.diff(steps)).max() < 1.0  # no jumps: what turns and grows moves nearly evenly here
        ways.add(round(float(steps.mean()), 2))
    assert len(ways) > 4


def test_zoom_of_a_still_keeps_what_is_there():
    flat = np.full((64, 64, 3), 77, np.uint8)
    assert augment.zoom(flat, 32, 4, rng()) == pytest.approx(77 / 255, abs=1e-3)
