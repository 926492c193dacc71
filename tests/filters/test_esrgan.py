"""The ESRGAN filter: a published record, two checkpoints mixed, names and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import image_networks, seeded
from tests.golden import records
from vsrestore.filters import checkpoint, esrgan

GENERAL, WEAK = esrgan.PUBLISHED["general"], esrgan.WEAK


def compact(path: Path, scale: float) -> Path:
    """A small compact network, its tensors multiplied."""
    tensors = torch.load(image_networks.checkpoint(path, "compact"), weights_only=True)["params"]
    torch.save({"params": {name: scale * tensor for name, tensor in tensors.items()}}, path)
    return path


@pytest.fixture
def placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Small checkpoints in the place of the two published ones that are mixed; the second is half the first."""
    files = {GENERAL: compact(tmp_path / "general.pth", 1.0), WEAK: compact(tmp_path / "weak.pth", 0.5)}
    monkeypatch.setattr(checkpoint, "find", lambda name, *_, **__: files.get(str(name)) or Path(name))
    return files


def test_a_record_is_reproduced(tmp_path: Path) -> None:
    recorded = records.read("rrdbnet-x4")
    picture = recorded.inputs["in_rgb"].transpose(2, 0, 1)[None].astype(np.float32) / 255
    path = image_networks.saved("rrdbnet-x4", tmp_path / "x4.pth")
    result = seeded.as_frames(vsrestore.esrgan(seeded.as_clip(picture), path, device="cpu"))
    expected = recorded.outputs["out_rgb"].permute(2, 0, 1)[None].clamp(0, 1).numpy()
    np.testing.assert_allclose(result, expected, atol=1e-4)


@pytest.mark.parametrize(("denoise", "scale"), [(None, 0.75), (0.2, 0.6), (0, 0.5), (1, 1.0)])
def test_general_is_mixed_with_the_weak_checkpoint(
    placed: dict[str, Path], tmp_path: Path, denoise: float | None, scale: float
) -> None:
    source = seeded.as_clip(seeded.noise(1, 16, 20))
    mixed = vsrestore.esrgan(source, denoise=denoise, device="cpu")
    alone = vsrestore.esrgan(source, compact(tmp_path / "alone.pth", scale), device="cpu")
    np.testing.assert_allclose(seeded.as_frames(mixed), seeded.as_frames(alone), atol=1e-5)


def test_what_cannot_be_mixed_is_refused(placed: dict[str, Path], tmp_path: Path) -> None:
    source, small = clips.noise(), placed[GENERAL]
    with pytest.raises(vs.Error, match=r"esrgan: denoise=0\.5 mixes the checkpoints of model='general'; leave"):
        vsrestore.esrgan(source, small, denoise=0.5)
    with pytest.raises(vs.Error, match=r"esrgan: denoise=1\.5; a number from 0 to 1 is accepted"):
        vsrestore.esrgan(source, denoise=1.5)
    placed[WEAK] = image_networks.checkpoint(tmp_path / "other.pth", "rrdbnet")
    with pytest.raises(vs.Error, match=r"esrgan: .*other.pth holds other tensors than .*general.pth; fetch realesr"):
        vsrestore.esrgan(source)


@pytest.mark.parametrize("model", esrgan.PUBLISHED)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=f"esrgan: .*vsrestore weights fetch {esrgan.PUBLISHED[model]}"):
        vsrestore.esrgan(clips.noise(), model)


def test_other_networks_and_names_are_refused(tmp_path: Path) -> None:
    other = image_networks.checkpoint(tmp_path / "swinir.pth", "swinir")
    with pytest.raises(vs.Error, match=r"swinir.pth is a checkpoint of SwinIR, not of ESRGAN or Compact; image_model"):
        vsrestore.esrgan(clips.noise(), other)
    with pytest.raises(vs.Error, match="esrgan: model='x8'; accepted: 'general', 'animevideo'"):
        vsrestore.esrgan(clips.noise(), "x8")
