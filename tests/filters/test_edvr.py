"""The EDVR filter: what its network gives alone, window by window; its border rules, stages and refusals."""

from __future__ import annotations

import random
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
from vsrestore.filters import checkpoint, edvr

BLUR = {"predeblur": True, "hr_in": True}
STAGE_2 = {"hr_in": True}
LENGTH = 11


def direct(path: Path, frames: np.ndarray, rows: list[list[int]]) -> np.ndarray:
    """What the network gives for windows, on frames whose size it takes as it is."""
    with torch.inference_mode():
        given = networks.load(read(path))(torch.from_numpy(frames)[None], torch.tensor(rows))
    return given[0].clamp(0, 1).numpy()


def repeated(first: int, end: int) -> list[list[int]]:
    return [[min(max(n, first), end - 1) for n in range(c - 2, c + 3)] for c in range(first, end)]


def circled(first: int, end: int) -> list[list[int]]:
    """The windows of 5 that take missing frames from their other side."""
    inside = [list(range(c - 2, c + 3)) for c in range(first + 2, end - 2)]
    a, b = first, end - 1
    start = [[a + 4, a + 3, a, a + 1, a + 2], [a + 4, a, a + 1, a + 2, a + 3]]
    return [*start, *inside, [b - 3, b - 2, b - 1, b, b - 4], [b - 2, b - 1, b, b - 3, b - 4]]


@pytest.mark.slow
def test_a_record_is_reproduced(tmp_path: Path) -> None:
    record = records.read("edvr-m-sr-clip")
    path = seeded.saved("edvr-m-sr-clip", tmp_path / "m.pth")
    result = seeded.as_frames(vsrestore.edvr(seeded.as_clip(record.clip()[0].numpy()), path, device="cpu"))
    expected = record.outputs["out_reflection_circle"].clamp(0, 1).numpy()
    np.testing.assert_allclose(result[..., ::3, ::3], expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "rule"), [({}, circled), (BLUR, repeated), (STAGE_2, circled)])
def test_any_order_gives_what_the_network_gives(tmp_path: Path, settings: dict, rule: object) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "edvr", **seeded.EDVR, **settings)
    frames = seeded.noise(LENGTH, 32, 48)
    order = random.Random(2).sample(range(LENGTH), LENGTH)
    result = seeded.as_frames(vsrestore.edvr(seeded.as_clip(frames), path, device="cpu"), order)
    np.testing.assert_allclose(result, direct(path, frames, rule(0, LENGTH)), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "rule"), [({}, circled), (BLUR, repeated)])
def test_no_window_reaches_over_a_cut(tmp_path: Path, settings: dict, rule: object) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "edvr", **seeded.EDVR, **settings)
    frames = seeded.noise(LENGTH, 32, 48)
    result = seeded.as_frames(vsrestore.edvr(seeded.as_clip(frames, cuts=(6,)), path, device="cpu"))
    np.testing.assert_allclose(result, direct(path, frames, [*rule(0, 6), *rule(6, LENGTH)]), atol=1e-5)


def test_the_second_stage_restores_what_the_first_gave(tmp_path: Path) -> None:
    first = seeded.checkpoint(tmp_path / "first.safetensors", "edvr", **seeded.EDVR)
    second = seeded.checkpoint(tmp_path / "second.safetensors", "edvr", **seeded.EDVR, **STAGE_2)
    frames = seeded.noise(7, 16, 20)
    given = direct(first, frames, circled(0, 7))
    result = vsrestore.edvr(seeded.as_clip(frames), first, second_stage=second, device="cpu")
    assert (result.width, result.height) == (80, 64)
    np.testing.assert_allclose(seeded.as_frames(result), direct(second, given, circled(0, 7)), atol=1e-5)


def test_frames_stay_float_between_the_stages(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "same.safetensors", "edvr", **seeded.EDVR, **STAGE_2)
    source = seeded.as_clip(seeded.noise(3, 32, 32)).resize.Bicubic(format=vs.RGB24)
    in_float = source.resize.Bicubic(format=vs.RGBS)
    eight, exact = (vsrestore.edvr(c, path, second_stage=path, device="cpu") for c in (source, in_float))
    difference = np.stack(clips.samples(eight.get_frame(1))) / 255 - np.stack(clips.samples(exact.get_frame(1)))
    assert np.abs(difference).max() <= 1.01 / 255  # of one error diffusion


def test_tiles_give_nearly_the_same_picture(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "edvr", **seeded.EDVR, **BLUR)
    source = seeded.as_clip(seeded.noise(3, 144, 208))
    whole, tiled = (seeded.as_frames(vsrestore.edvr(source, path, device="cpu", tile=tile)) for tile in (None, 128))
    assert 40 < seeded.psnr(tiled, whole) < 120


def test_bfloat16_gives_nearly_the_same_picture(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "edvr", **seeded.EDVR, **BLUR)
    source = seeded.as_clip(seeded.noise(5, 32, 48))
    exact, half = (
        seeded.as_frames(vsrestore.edvr(source, path, device="cpu", precision=p)) for p in ("float32", "bfloat16")
    )
    assert 40 < seeded.psnr(half, exact) < 100


def test_seven_frames_are_read_off_the_checkpoint(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "seven.safetensors", "edvr", **seeded.EDVR, frames=7)
    frames = seeded.noise(9, 16, 16)
    result = vsrestore.edvr(seeded.as_clip(frames), path, device="cpu")
    expected = direct(path, frames, [list(range(1, 8))])[0]
    np.testing.assert_allclose(np.stack(clips.samples(result.get_frame(4))), expected, atol=1e-5)


@pytest.fixture
def placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Small checkpoints in the place of published ones, by the registry's names; for all others nothing is there."""
    files: dict[str, Path] = {}
    search = checkpoint.find
    monkeypatch.setattr(
        checkpoint, "find", lambda name, *rest, **named: files.get(name) or search(name, *rest, **named)
    )
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path / "none"))
    return files


@pytest.mark.parametrize("model", edvr.VARIANTS)
def test_every_name_asks_for_its_file(model: str, placed: dict[str, Path]) -> None:
    with pytest.raises(vs.Error, match=f"edvr: .*vsrestore weights fetch {edvr.VARIANTS[model].entry}"):
        vsrestore.edvr(clips.noise(), model)


def test_a_named_model_runs(placed: dict[str, Path], tmp_path: Path) -> None:
    placed["edvr-l-deblur-reds"] = seeded.checkpoint(tmp_path / "b.safetensors", "edvr", **seeded.EDVR, **BLUR)
    placed["edvr-old-deblur-stage2"] = placed["edvr-l-deblur-reds"]
    result = vsrestore.edvr(clips.noise(width=40, height=32), "reds_deblur", second_stage=True, device="cpu")
    assert np.asarray(result.get_frame(3)[0]).shape == (32, 40)


def test_checkpoints_of_other_tasks_are_refused(placed: dict[str, Path], tmp_path: Path) -> None:
    blur = seeded.checkpoint(tmp_path / "blur.safetensors", "edvr", **seeded.EDVR, **BLUR)
    sharp = seeded.checkpoint(tmp_path / "sharp.safetensors", "edvr", **seeded.EDVR)
    placed["edvr-l-sr-reds"] = blur
    with pytest.raises(vs.Error, match=r"edvr: .*blur.safetensors is a checkpoint of another task than reds_sr"):
        vsrestore.edvr(clips.noise(), "reds_sr")
    placed |= {"edvr-l-sr-reds": sharp, "edvr-old-sr-stage2": blur}
    with pytest.raises(vs.Error, match=r"edvr: .*blur.safetensors is not the second stage of reds_sr; fetch edvr-old"):
        vsrestore.edvr(clips.noise(), "reds_sr", second_stage=True)
    with pytest.raises(vs.Error, match=r"edvr: .*sharp.safetensors enlarges fourfold"):
        vsrestore.edvr(clips.noise(), blur, second_stage=sharp)
    other = seeded.checkpoint(tmp_path / "other.safetensors", "basicvsrpp", **seeded.BASICVSRPP)
    with pytest.raises(vs.Error, match="edvr: no checkpoint of edvr; it is one of basicvsrpp"):
        vsrestore.edvr(clips.noise(), other)


def test_a_second_stage_without_its_checkpoint(placed: dict[str, Path], tmp_path: Path) -> None:
    sharp = seeded.checkpoint(tmp_path / "sharp.safetensors", "edvr", **seeded.EDVR)
    placed |= {"edvr-l-sr-reds": sharp, "edvr-l-sr-vimeo": sharp}
    with pytest.raises(vs.Error, match=r"edvr: .*vsrestore weights fetch edvr-old-sr-stage2"):
        vsrestore.edvr(clips.noise(), "reds_sr", second_stage=True)
    with pytest.raises(vs.Error, match="edvr: no second stage was published for vimeo90k_sr"):
        vsrestore.edvr(clips.noise(), "vimeo90k_sr", second_stage=True)
    with pytest.raises(vs.Error, match=r"edvr: second_stage=True, but .* give the second stage's checkpoint"):
        vsrestore.edvr(clips.noise(), sharp, second_stage=True)
    with pytest.raises(vs.Error, match="edvr: second_stage=2; True, False or a checkpoint is accepted"):
        vsrestore.edvr(clips.noise(), sharp, second_stage=2)


def test_bad_input(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "edvr", **seeded.EDVR)
    with pytest.raises(vs.Error, match="edvr: the clip is 12x16; this network needs at least 16 pixels each way"):
        vsrestore.edvr(clips.noise(width=12, height=16), path)
    with pytest.raises(vs.Error, match="edvr: model='reds'; accepted: 'vimeo90k_sr', 'reds_sr'"):
        vsrestore.edvr(clips.noise(), "reds")
    with pytest.raises(vs.Error, match="edvr: model=5; a name of the registry or the path of a checkpoint"):
        vsrestore.edvr(clips.noise(), 5)
    with pytest.raises(vs.Error, match=r"edvr: .*absent.pth does not exist"):
        vsrestore.edvr(clips.noise(), tmp_path / "absent.pth")
