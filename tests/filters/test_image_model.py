"""The filter for any image model: what spandrel's networks give, fitted as published; luma, batches, refusals."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs
from spandrel import MAIN_REGISTRY

import vsrestore
from tests import clips
from tests.filters import image_networks, seeded
from tests.golden import records
from vsrestore.networks import image_models


def direct(path: Path, frames: np.ndarray) -> np.ndarray:
    """What spandrel's own call gives, which pads where it must by reflection and clamps."""
    network = MAIN_REGISTRY.load(torch.load(path, weights_only=True)).eval()
    return np.concatenate([network(torch.from_numpy(frame[None])).numpy() for frame in frames])


@pytest.mark.slow
@pytest.mark.parametrize("record", ["bsrnet-x4", "rrdbnet-x2", "scunet-color", "srvgg-x4", "swinir-real-m-x4"])
def test_a_record_is_reproduced(tmp_path: Path, record: str) -> None:
    recorded = records.read(record)
    picture = recorded.inputs["in_rgb"].transpose(2, 0, 1)[None].astype(np.float32) / 255
    path = image_networks.saved(record, tmp_path / "published.pth")
    result = seeded.as_frames(vsrestore.image_model(seeded.as_clip(picture), path, device="cpu"))
    expected = recorded.outputs["out_rgb"].permute(2, 0, 1)[None].clamp(0, 1).numpy()
    assert np.mean((expected > 0) & (expected < 1)) > 0.2
    np.testing.assert_allclose(result, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["compact", "rrdbnet", "rrdbnet-x1"])
def test_small_networks_give_what_they_give_alone(tmp_path: Path, kind: str) -> None:
    path, frames = image_networks.checkpoint(tmp_path / "small.pth", kind), seeded.noise(3, 32, 44)
    result = vsrestore.image_model(seeded.as_clip(frames), path, device="cpu", batch=2)
    np.testing.assert_allclose(seeded.as_frames(result, [2, 0, 1]), direct(path, frames), atol=1e-5)


@pytest.mark.parametrize("kind", ["dncnn", "swinir-gray"])
def test_models_of_one_channel_see_luma(tmp_path: Path, kind: str) -> None:
    path, source = image_networks.checkpoint(tmp_path / "gray.pth", kind), clips.noise(vs.YUV420PS, 32, 24, 2)
    result = vsrestore.image_model(source, path, device="cpu")
    before, after = clips.samples(source.get_frame(1)), clips.samples(result.get_frame(1))
    network = image_models.load(torch.load(path, weights_only=True))
    padded = np.pad(before[0], ((0, 8), (0, 8)), mode="symmetric") if kind == "swinir-gray" else before[0]
    with torch.inference_mode():
        luma = network(torch.from_numpy(padded)[None, None])[0, 0, :24, :32].clamp(0, 1).numpy()
    kept = np.abs(luma - before[0]) < 1 / 64  # small changes slide from the source to the network's picture
    np.testing.assert_allclose(after[0][~kept], luma[~kept], atol=1e-5)
    assert (~kept).mean() > 0.1
    assert all(np.array_equal(a, b) for a, b in zip(after[1:], before[1:], strict=True))


def test_other_files_than_pth_are_read(tmp_path: Path) -> None:
    path = image_networks.checkpoint(tmp_path / "small.bin", "compact", epoch=3, optimizer={"step": torch.ones(2)})
    assert vsrestore.image_model(clips.noise(), path, device="cpu").get_frame(0).width == 48


def test_no_network_is_loaded_before_the_first_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, built = image_networks.checkpoint(tmp_path / "small.pth", "compact"), []
    monkeypatch.setattr(image_models, "load", lambda tensors: built.append(1) or torch.nn.Upsample(scale_factor=2))
    clip = vsrestore.image_model(clips.noise(), path, device="cpu")
    assert not built
    clip.get_frame(0)
    assert built


def test_tiles_give_nearly_the_same_picture(tmp_path: Path) -> None:
    path = image_networks.checkpoint(tmp_path / "small.pth", "swinir")
    source = seeded.as_clip(seeded.noise(1, 72, 104))
    whole, tiled = (
        seeded.as_frames(vsrestore.image_model(source, path, device="cpu", tile=tile)) for tile in (None, 64)
    )
    assert 35 < seeded.psnr(tiled, whole) < 120


def test_unknown_checkpoints_are_refused(tmp_path: Path) -> None:
    other = seeded.checkpoint(tmp_path / "other.safetensors", "edvr", **seeded.EDVR)
    with pytest.raises(vs.Error, match="image_model: no checkpoint of an image model that spandrel knows"):
        vsrestore.image_model(clips.noise(), other)
    broken = torch.load(image_networks.checkpoint(tmp_path / "small.pth", "compact"), weights_only=True)["params"]
    del broken["body.2.weight"]
    torch.save(broken, tmp_path / "broken.pth")
    with pytest.raises(vs.Error, match="image_model: spandrel takes it for a network that its tensors do not fit"):
        vsrestore.image_model(clips.noise(), tmp_path / "broken.pth")


def test_files_that_could_run_code_are_refused(tmp_path: Path) -> None:
    script = torch.jit.trace(torch.nn.Identity(), torch.ones(1))
    script.save(str(tmp_path / "script.pt"))
    with pytest.raises(vs.Error, match=r"image_model: .*script.pt is a TorchScript program, not a state dict"):
        vsrestore.image_model(clips.noise(), tmp_path / "script.pt")
    (tmp_path / "pickle.pth").write_bytes(pickle.dumps({"params": {"a": Path()}}, protocol=2))
    with pytest.raises(vs.Error, match=r"image_model: .*pickle.pth is a plain Python pickle"):
        vsrestore.image_model(clips.noise(), tmp_path / "pickle.pth")


def test_square_networks_take_square_tiles(tmp_path: Path) -> None:
    path = image_networks.checkpoint(tmp_path / "square.pth", "uformer")
    with pytest.raises(vs.Error, match=r"takes square pictures only, but the clip is 300x200; give tile=256"):
        vsrestore.image_model(clips.noise(width=300, height=200), path)
    assert vsrestore.image_model(clips.noise(width=300, height=200), path, tile=256, device="cpu").width == 300
    assert vsrestore.image_model(clips.noise(width=200, height=250), path, device="cpu").width == 200


@pytest.mark.parametrize(
    ("facts", "arguments", "message"),
    [
        ({"tiles": False}, {"tile": 64}, "image_model: tile is given, but this network needs the whole frame"),
        ({"channels": (1, 3)}, {}, "takes 1 channels and gives 3; models from RGB to RGB or from luma to luma"),
        (
            {"precisions": ("float32", "bfloat16")},
            {"precision": "float16"},
            "'float16' harms this network; accepted: float32, bfl",
        ),
        ({"minimum": 40}, {}, "image_model: the clip is 24x16; this network needs at least 40 pixels"),
        ({}, {"batch": 0}, "image_model: batch=0; a whole number of at least 1"),
        ({}, {"tile": 32}, "image_model: tile=32; a whole number of at least 64"),
        ({}, {"model": 5}, "image_model: model=5; a name of the registry or the path"),
        ({}, {"model": "absent.pth"}, "image_model: absent.pth does not exist"),
        ({}, {"model": "edvr-l-sr-reds"}, "image_model: edvr-l-sr-reds is a checkpoint for edvr, which image_model"),
        ({}, {"clip": "film.mkv"}, "image_model: clip is str; a video clip"),
    ],
)
def test_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: dict, arguments: dict, message: str) -> None:
    path = image_networks.checkpoint(tmp_path / "small.pth", "compact")
    describe = image_models.describe

    def changed(tensors: dict) -> image_models.ImageModel:
        model = describe(tensors)
        if "channels" in facts:
            return replace(model, **facts)
        return replace(model, traits=replace(model.traits, **facts))

    monkeypatch.setattr(image_models, "describe", changed)
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=message):
        vsrestore.image_model(**{"clip": clips.noise(), "model": path, **arguments})
