"""The style filter: its record through the filter, sizes, precision, names and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import seeded
from tests.golden import records
from vsrestore import networks
from vsrestore.checkpoints import read
from vsrestore.filters import style


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return seeded.checkpoint(tmp_path / "small.safetensors", "fast_neural_style", width=8)


def test_a_record_is_reproduced(tmp_path: Path) -> None:
    recorded = records.read("fast_neural_style")
    path = seeded.saved("fast_neural_style", tmp_path / "style.pth")
    result = vsrestore.style(seeded.as_clip(recorded.inputs["in_x"] / 255), path, device="cpu")
    expected = recorded.outputs["out_y"].clamp(0, 255).numpy()
    np.testing.assert_allclose(seeded.as_frames(result) * 255, expected, atol=1e-4)


@pytest.mark.parametrize(("width", "height"), [(40, 32), (37, 30), (8, 9)])
def test_any_size_gives_what_the_network_gives(tmp_path: Path, width: int, height: int) -> None:
    # The seeded network paints between 0 and 1 of 255: its last layer is enlarged, so that more than black is seen.
    tensors = read(seeded.checkpoint(tmp_path / "small.safetensors", "fast_neural_style", width=8))
    tensors["deconv3.conv2d.weight"] *= 20
    tensors["deconv3.conv2d.bias"] += 128
    torch.save(tensors, tmp_path / "bright.pth")
    frames = seeded.noise(2, height, width)
    result = seeded.as_frames(vsrestore.style(seeded.as_clip(frames), tmp_path / "bright.pth", device="cpu"))
    with torch.inference_mode():
        alone = networks.load(tensors)(torch.from_numpy(frames))[..., :height, :width].clamp(0, 1).numpy()
    assert alone.std() > 0.01
    np.testing.assert_allclose(result, alone, atol=1e-5)


def test_bfloat16_gives_nearly_the_same_picture(small: Path) -> None:
    tensors = read(small)
    tensors["deconv3.conv2d.weight"] *= 20
    tensors["deconv3.conv2d.bias"] += 128
    torch.save(tensors, small.with_suffix(".pth"))
    source = seeded.as_clip(seeded.noise(1, 32, 40))
    exact, half = (
        seeded.as_frames(vsrestore.style(source, small.with_suffix(".pth"), device="cpu", precision=p))
        for p in ("float32", "bfloat16")
    )
    assert 30 < seeded.psnr(half, exact) < 100


@pytest.mark.parametrize("model", style.PUBLISHED)
def test_every_name_tells_how_to_get_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=rf"style: .*fns-{model.replace('_', '-')} .*unpack {model}.pth from it, and"):
        vsrestore.style(clips.noise(), model)


def test_bad_input(small: Path, tmp_path: Path) -> None:
    with pytest.raises(vs.Error, match="style: the clip is 7x16; this network needs at least 8 pixels each way"):
        vsrestore.style(clips.noise(width=7), small)
    with pytest.raises(vs.Error, match="style: model='scream'; accepted: 'candy', 'mosaic'"):
        vsrestore.style(clips.noise(), "scream")
    other = seeded.checkpoint(tmp_path / "other.safetensors", "edvr", **seeded.EDVR)
    with pytest.raises(vs.Error, match="style: no checkpoint of fast_neural_style; it is one of edvr"):
        vsrestore.style(clips.noise(), other)
