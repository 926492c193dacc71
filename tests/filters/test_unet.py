"""The filter of fastai's U-Net: the recorded picture, odd sizes, the published stretching, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs
from PIL import Image

from tests import clips
from tests.filters import seeded
from tests.golden import records
from vsrestore import networks, unet
from vsrestore.checkpoints import read

MEAN, STD = (
    np.array(numbers, np.float32).reshape(3, 1, 1) for numbers in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved as fastai does: what the seeded network gives lies about the middle of [0, 1]."""
    path = tmp_path_factory.mktemp("weights") / "film.pth"
    torch.save(
        {"model": seeded.tensors("fastai_unet", **seeded.FASTAI_UNET), "opt": {"state": {}, "param_groups": []}}, path
    )
    return path


@pytest.fixture(scope="module")
def attentive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "gan.safetensors"
    return seeded.checkpoint(path, "fastai_unet", **seeded.FASTAI_UNET, attention=True)


def alone(path: Path, frames: np.ndarray, **settings: object) -> np.ndarray:
    """What the network gives by itself for frames of an even size, clamped."""
    with torch.inference_mode():
        return networks.load(read(path), **settings)(torch.from_numpy(frames)).clamp(0, 1).numpy()


@pytest.mark.slow
def test_a_record_is_reproduced(tmp_path: Path) -> None:
    record = records.read("fastai_unet-resnet34-legacyblur")
    torch.save({"model": record.tensors}, tmp_path / "legacy.pth")
    frames = (record.inputs["in_x"] * STD + MEAN).astype(np.float32)
    repaired = unet(seeded.as_clip(frames), tmp_path / "legacy.pth", legacy_blur=True, device="cpu")
    expected = (record.outputs["out_y"].numpy() * STD + MEAN).clip(0, 1)
    assert ((expected > 0) & (expected < 1)).mean() > 0.05
    np.testing.assert_allclose(seeded.as_frames(repaired), expected, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 2])
def test_odd_frames_are_padded_with_their_edge(small: Path, batch: int) -> None:
    frames = seeded.noise(3, 29, 37)
    padded = np.pad(frames, ((0, 0), (0, 0), (0, 1), (0, 1)), mode="edge")
    expected = alone(small, padded)[..., :29, :37]
    assert expected.std() > 0.01
    found = seeded.as_frames(unet(seeded.as_clip(frames), small, batch=batch, device="cpu"))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_render_factor_and_brightness_are_the_published_steps(small: Path) -> None:
    """The published tool rounds to bytes where it stretches; Pillow stretches floats here, as the filter does."""

    def stretched(picture: np.ndarray, width: int, height: int) -> np.ndarray:
        planes = (Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR) for plane in picture)
        return np.stack([np.asarray(plane) for plane in planes])

    frames = seeded.noise(1, 40, 70)
    square = alone(small, stretched(frames[0], 48, 48)[None])[0]
    expected = (stretched(square, 70, 40) * 1.75).clip(0, 1)
    assert expected.std() > 0.01
    found = unet(seeded.as_clip(frames), small, render_factor=3, brightness=1.75, device="cpu")
    np.testing.assert_allclose(seeded.as_frames(found)[0], expected, atol=1e-4)


def test_limits_are_those_published_or_told(small: Path, attentive: Path) -> None:
    frames = seeded.noise(1, 32, 32)
    source = seeded.as_clip(frames)
    for path, told, expected in (
        (small, None, ()),
        (attentive, None, (-3, 3)),
        (attentive, (), ()),
        (small, [-1, 1], (-1, 1)),
    ):
        found = seeded.as_frames(unet(source, path, y_range=told, device="cpu"))
        np.testing.assert_allclose(found, alone(path, frames, y_range=expected), atol=1e-5)


def test_bfloat16_gives_nearly_the_same_picture(small: Path) -> None:
    source = seeded.as_clip(seeded.noise(1, 32, 40))
    exact, half = (seeded.as_frames(unet(source, small, 2, device="cpu", precision=p)) for p in ("float32", "bfloat16"))
    assert 30 < seeded.psnr(half, exact) < 100


def test_format_and_properties_come_back(small: Path) -> None:
    source = clips.noise(vs.YUV420P10, 38, 30, 2).std.SetFrameProps(mine=[1, 2])
    result = unet(source, small, device="cpu")
    assert (result.format.id, result.width, result.height) == (vs.YUV420P10, 38, 30)
    assert result.get_frame(1).props["mine"] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"render_factor": -1}, "render_factor=-1; a whole number of at least 1"),
        ({"render_factor": 2.5}, "render_factor=2.5; a whole number of at least 1"),
        ({"brightness": -1}, "brightness=-1; a number from 0 to 10"),
        ({"y_range": (3, -3)}, r"y_range=\(3, -3\); two rising numbers"),
        ({"y_range": 3}, "y_range=3; two rising numbers"),
        ({"batch": 0}, "batch=0; a whole number"),
        ({"path": 3}, "path=3; the path of a checkpoint"),
        ({"path": "nowhere/film.pth"}, "nowhere/film.pth does not exist; give a checkpoint file"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"render_factor": 4, "tile": 256}, "tile is given, but this network needs the whole frame"),
        ({"tile": 64}, "tile=64; a whole number of at least 256"),
    ],
)
def test_bad_input(small: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=f"unet: {message}"):
        unet(clips.noise(), **{"path": small, **arguments})


def test_other_files_are_refused_when_the_script_is_evaluated(small: Path, attentive: Path, tmp_path: Path) -> None:
    other = seeded.checkpoint(tmp_path / "other.safetensors", "deoldify", **seeded.DEOLDIFY)
    with pytest.raises(vs.Error, match="unet: no checkpoint of fastai_unet; it is one of deoldify"):
        unet(clips.noise(), other)
    incomplete = read(small)
    del incomplete["model.layers.3.0.0.bias"]
    torch.save(incomplete, tmp_path / "incomplete.pth")
    with pytest.raises(vs.Error, match=r"unet: does not fit fastai_unet: 1 missing \(layers.3.0.0.bias\)"):
        unet(clips.noise(), tmp_path / "incomplete.pth")
    (tmp_path / "cut.pth").write_bytes(small.read_bytes()[:1000])
    with pytest.raises(vs.Error, match=r"unet: .*cut\.pth is truncated or damaged"):
        unet(clips.noise(), tmp_path / "cut.pth")
    with pytest.raises(vs.Error, match="unet: tile is given, but this network needs the whole frame"):
        unet(clips.noise(), attentive, tile=256)
