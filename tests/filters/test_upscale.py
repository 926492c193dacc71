"""The upscale filter with the weights that are shipped: what it gains, its sizes and formats, what it refuses."""

import numpy as np
import pytest
import torch
import vapoursynth as vs
from safetensors.torch import save_file

import vsrestore
from tests import clips
from tests.filters.test_film import as_clip, as_frames, panned, psnr
from vsrestore.networks.temporal_upscaler import TemporalUpscaler
from vsrestore.training.tasks.upscale import reduced


@pytest.mark.parametrize(("scale", "gain"), [(2, 1.0), (4, 0.7)])
def test_it_is_nearer_to_the_truth_than_interpolation(scale: int, gain: float) -> None:
    clean = panned()
    small = reduced(clean, scale)
    large = as_frames(vsrestore.upscale(as_clip(small), scale, device="cpu"))
    assert large.shape == clean.shape
    width, height = clean.shape[2], clean.shape[1]
    for kernel in ("Bicubic", "Lanczos"):
        plain = as_frames(getattr(as_clip(small).resize, kernel)(width, height))
        assert psnr(large, clean) > psnr(plain, clean) + gain


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV422P10, vs.GRAY16])
def test_format_stays_and_size_grows(scale: int, fmt: int) -> None:
    source = clips.noise(fmt, 36, 24, 3).std.SetFrameProps(_SARNum=8, _SARDen=9)
    frame = vsrestore.upscale(source, scale, device="cpu").get_frame(2)
    assert (frame.format.id, frame.width, frame.height) == (fmt, 36 * scale, 24 * scale)
    assert (frame.props["_SARNum"], frame.props["_SARDen"]) == (8, 9)


def test_half_precision_gives_the_same_picture() -> None:
    source = as_clip(panned()[:3, ::2, ::2])
    exact = as_frames(vsrestore.upscale(source, device="cpu"))
    assert psnr(as_frames(vsrestore.upscale(source, device="cpu", precision="bfloat16")), exact) > 50


@pytest.mark.slow
def test_tiles_give_nearly_the_same_picture() -> None:
    source = as_clip(np.tile(panned()[:3], (1, 2, 2, 1)))
    whole = as_frames(vsrestore.upscale(source, device="cpu"))
    assert psnr(as_frames(vsrestore.upscale(source, device="cpu", tile=160)), whole) > 45


@pytest.mark.parametrize("scale", [0, 3, 2.0, 2.5, True, "2", [2]])
def test_other_scales_are_refused(scale: object) -> None:
    with pytest.raises(vs.Error, match=r"upscale: scale=.*; 2 or 4 are accepted"):
        vsrestore.upscale(clips.noise(), scale)


def test_weights_of_another_scale_are_told(tmp_path) -> None:
    path = tmp_path / "own.safetensors"
    torch.manual_seed(0)
    save_file(TemporalUpscaler(4, widths=(8, 8, 8), blocks=(0, 0, 0, 0, 1)).state_dict(), path)
    with pytest.raises(vs.Error, match=r"upscale: own\.safetensors enlarges by 4 but scale=2"):
        vsrestore.upscale(clips.noise(), model=path)
    assert vsrestore.upscale(clips.noise(), 4, model=path, device="cpu").get_frame(0).width == 24 * 4
