"""The interpolate filter with the weights that are shipped: what it gains, its rates, what it refuses."""

from fractions import Fraction

import numpy as np
import pytest
import torch
import vapoursynth as vs
from safetensors.torch import save_file

import vsrestore
from tests import clips
from tests.filters.test_film import as_clip, as_frames, panned, psnr
from vsrestore.networks.temporal_unet import TemporalUNet


def test_it_is_nearer_to_the_truth_than_blending_and_keeps_the_frames_it_has():
    clean = panned()
    doubled = as_frames(vsrestore.interpolate(as_clip(clean[::2]), device="cpu"))
    assert doubled.shape[0] == 2 * len(clean[::2])
    assert (doubled[::2] == clean[::2]).all()
    made, truth = doubled[1:-1:2], clean[1::2]
    assert psnr(made, truth) > psnr((clean[:-2:2] + clean[2::2]) / 2, truth) + 5


def test_times_between_are_followed():
    clean = panned()
    thirds = as_frames(vsrestore.interpolate(as_clip(clean[[0, 3, 6]]), 3, device="cpu"))
    for n in (1, 2, 4, 5):
        assert psnr(thirds[n], clean[n]) > 30


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(precision):
    source = as_clip(panned()[:2])
    exact = as_frames(vsrestore.interpolate(source, device="cpu"))
    assert psnr(as_frames(vsrestore.interpolate(source, device="cpu", precision=precision)), exact) > 45


def test_rate_and_format():
    source = clips.noise(vs.YUV420P10, 48, 32, 4).std.AssumeFPS(fpsnum=25)
    made = vsrestore.interpolate(source, fps=60, device="cpu")
    assert (made.fps, made.num_frames, made.format.id) == (Fraction(60), 10, vs.YUV420P10)
    assert made.get_frame(3).props["_DurationNum"] / made.get_frame(3).props["_DurationDen"] == pytest.approx(1 / 60)


def test_a_cut_is_not_blended():
    dark, bright = (np.full((2, 32, 48, 3), value, np.float32) for value in (0.2, 0.9))
    clip = as_clip(np.concatenate((dark, bright))).std.SetFrameProps(_SceneChangePrev=0, _SceneChangeNext=0)
    cut = clip[:2] + clip[2].std.SetFrameProps(_SceneChangePrev=1) + clip[3]
    made = as_frames(vsrestore.interpolate(cut, device="cpu"))
    assert np.abs(made[3] - 0.55).min() > 0.3


@pytest.mark.slow
def test_tiles_give_nearly_the_same_picture():
    source = as_clip(np.tile(panned()[:2], (1, 2, 2, 1)))
    whole = as_frames(vsrestore.interpolate(source, device="cpu"))
    assert psnr(as_frames(vsrestore.interpolate(source, device="cpu", tile=192)), whole) > 38


def test_weights_of_another_network_are_refused(tmp_path):
    torch.manual_seed(0)
    save_file(TemporalUNet(widths=(8, 8, 8), blocks=(0, 0, 0, 0, 1)).state_dict(), tmp_path / "film.safetensors")
    with pytest.raises(vs.Error, match=r"interpolate: .*frame_interpolator"):
        vsrestore.interpolate(clips.noise(), model=tmp_path / "film.safetensors")


def test_two_rates_are_refused():
    with pytest.raises(vs.Error, match=r"interpolate: factor=2 and fps=50 are given"):
        vsrestore.interpolate(clips.noise(), 2, fps=50)
