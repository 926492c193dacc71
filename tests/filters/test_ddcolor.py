"""The DDColor filter: the published picture, luma untouched, colours that hold still, formats and refusals."""

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
from vsrestore.filters import ddcolor

SMALL = {"render_size": 64, "device": "cpu"}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return seeded.checkpoint(tmp_path / "small.safetensors", "ddcolor", **seeded.DDCOLOR)


def chroma(clip: vs.VideoNode) -> np.ndarray:
    """Both planes of chroma of every frame, (T, 2, H, W)."""
    return np.stack([np.stack(clips.samples(frame)[1:]) for frame in clip.frames(close=True)])


def shaky(length: int = 9, grain: int = 1) -> np.ndarray:
    """A picture that stays, with other noise on every frame, as coarse as so many pixels: (T, 3, H, W)."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:48, :64]
    still = 0.5 + 0.25 * np.sin(x / 5) * np.cos(y / 6)
    noise = rng.normal(0, 0.01, (length, 1, 48 // grain, 64 // grain)).repeat(grain, 2).repeat(grain, 3)
    return np.repeat(still + noise, 3, axis=1).astype(np.float32)


@pytest.mark.slow
def test_a_record_is_reproduced(tmp_path: Path) -> None:
    record = records.read("ddcolor-tiny")
    torch.save({"params": record.tensors}, tmp_path / "tiny.pth")
    frame = record.inputs["in_rgb"].transpose(2, 0, 1)[None]
    source = seeded.as_clip(frame.astype(np.float32) / 255).resize.Point(format=vs.RGB24)
    told = {"render_size": record.config["input_size"], "upscale": "nearest", "stabilize": 0, "device": "cpu"}
    result = seeded.as_frames(vsrestore.ddcolor(source, tmp_path / "tiny.pth", format=vs.RGBS, **told))[0]
    found = result.transpose(1, 2, 0)
    np.testing.assert_allclose(found, record.outputs["out_rgb_exactlab"].numpy(), atol=1e-4)
    # The published script converts by a coarse table; the spec names this mean difference of 8-bit steps.
    assert np.abs(np.round(found * 255) - record.outputs["out_rgb_uint8"].numpy()).mean() < 0.4


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.GRAY16, vs.YUV420P10])
def test_luma_is_that_of_the_source(small: Path, fmt: int) -> None:
    source = clips.noise(fmt, 48, 32, 2)
    result = vsrestore.ddcolor(source, small, **SMALL)
    for n in range(2):
        np.testing.assert_array_equal(np.asarray(result.get_frame(n)[0]), np.asarray(source.get_frame(n)[0]))


def test_saturation_and_hue(small: Path) -> None:
    """The small network paints so pale that even ten times its colours are colours that RGB has."""
    source = seeded.as_clip(shaky(1)).resize.Point(format=vs.GRAYS, matrix=1)
    plain, gray, pale, opposite = (
        chroma(vsrestore.ddcolor(source, small, **SMALL, saturation=saturation, hue=hue))
        for saturation, hue in ((10, 0), (0, 0), (5, 0), (10, 180))
    )
    size = np.abs(plain).mean()
    assert size > 1e-4
    assert np.abs(gray).max() < 0.1 * size
    assert np.abs(pale - plain / 2).mean() < 0.1 * size
    assert np.abs(opposite + plain).mean() < 0.2 * size


def test_colours_hold_still(small: Path) -> None:
    source = seeded.as_clip(shaky(grain=8))
    each, steady = (
        chroma(vsrestore.ddcolor(source, small, **SMALL, stabilize=radius, format=vs.YUV444PS)) for radius in (0, 2)
    )
    assert np.abs(np.diff(steady[2:-2], axis=0)).mean() < 0.5 * np.abs(np.diff(each[2:-2], axis=0)).mean()
    assert np.abs(steady - each).mean() < np.abs(np.diff(each, axis=0)).mean()


def test_nothing_comes_over_a_cut(small: Path) -> None:
    frames = shaky(6)
    frames[3:] = frames[3:, :, ::-1]
    whole = seeded.as_frames(vsrestore.ddcolor(seeded.as_clip(frames, cuts=(3,)), small, **SMALL))
    parts = [seeded.as_frames(vsrestore.ddcolor(seeded.as_clip(part), small, **SMALL)) for part in np.split(frames, 2)]
    np.testing.assert_allclose(whole, np.concatenate(parts), atol=1e-6)


def test_every_frame_is_painted_once(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vsrestore.networks.ddcolor import DDColorPainter

    painted, forward = [], DDColorPainter.forward
    monkeypatch.setattr(DDColorPainter, "forward", lambda self, x: painted.append(len(x)) or forward(self, x))
    seeded.as_frames(vsrestore.ddcolor(seeded.as_clip(shaky(12)), small, **SMALL, stabilize=3))
    assert sum(painted) == 12


@pytest.mark.parametrize("model", ddcolor.PUBLISHED)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=f"ddcolor: .*vsrestore weights fetch {ddcolor.PUBLISHED[model]}"):
        vsrestore.ddcolor(clips.noise(vs.GRAY8), model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"render_size": 500}, "render_size=500; a multiple of 32 is accepted"),
        ({"render_size": -32}, "render_size=-32; a whole number of at least 32"),
        ({"stabilize": 11}, "stabilize=11; a number from 0 to 10"),
        ({"stabilize": -1}, "stabilize=-1"),
        ({"saturation": -1}, "saturation=-1; a number from 0 to 10"),
        ({"hue": 400}, "hue=400; a number from -360 to 360"),
        ({"upscale": "cubic"}, "upscale='cubic'; accepted: 'bilinear', 'nearest'"),
        ({"format": vs.GRAY8}, "format=Gray8 has no colour"),
        ({"model": "large"}, "model='large'; accepted: 'modelscope', 'artistic', 'paper', 'paper_tiny'"),
        ({"precision": "int8"}, "precision='int8'"),
    ],
)
def test_bad_input(small: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=f"ddcolor: {message}"):
        vsrestore.ddcolor(clips.noise(vs.GRAY8), **{"model": small, **SMALL, **arguments})


def test_out_of_memory_names_the_cure(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vsrestore.networks.ddcolor import DDColorPainter

    def full(self: DDColorPainter, frames: torch.Tensor) -> torch.Tensor:
        raise MemoryError

    monkeypatch.setattr(DDColorPainter, "forward", full)
    with pytest.raises(vs.Error, match="frame 0: out of memory on cpu; try precision='float16' or render_size=32"):
        vsrestore.ddcolor(clips.noise(vs.GRAY8), small, **SMALL).get_frame(0)
