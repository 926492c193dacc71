"""The RIFE filter: what its network gives alone between frames that stay as they are; its options and refusals."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import seeded
from vsrestore import networks
from vsrestore.checkpoints import read


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded.checkpoint(tmp_path_factory.mktemp("rife") / "small.safetensors", "rife", **seeded.RIFE)


def direct(path: Path, frames: np.ndarray, pairs: list[tuple[int, int, float]], **settings: object) -> np.ndarray:
    """What the network makes between pairs of frames, their last rows and columns repeated."""
    network = networks.load(read(path), "rife", **settings)
    tall, wide = (-(-side // 64) * 64 for side in frames.shape[2:])
    padded = np.pad(frames, [(0, 0), (0, 0), (0, tall - frames.shape[2]), (0, wide - frames.shape[3])], "edge")
    first, second = (torch.from_numpy(padded[[pair[n] for pair in pairs]]) for n in (0, 1))
    with torch.inference_mode():
        made = network(first, second, torch.tensor([pair[2] for pair in pairs]))
    return made[..., : frames.shape[2], : frames.shape[3]].clamp(0, 1).numpy()


@pytest.mark.parametrize("settings", [{}, {"refine": False}, {"ensemble": True}])
def test_frames_between_are_those_of_the_network(path: Path, settings: dict) -> None:
    frames = seeded.noise(3, 40, 70)
    result = vsrestore.rife(seeded.as_clip(frames), path, device="cpu", **settings)
    order = random.Random(2).sample(range(6), 6)
    found = seeded.as_frames(result, order)
    np.testing.assert_array_equal(found[[0, 2, 4, 5]], frames[[0, 1, 2, 2]])
    expected = direct(path, frames, [(0, 1, 0.5), (1, 2, 0.5)], **settings)
    np.testing.assert_allclose(found[[1, 3]], expected, atol=2e-5)


def test_any_time_is_made_at_once(path: Path) -> None:
    frames = seeded.noise(3, 32, 64)
    result = vsrestore.rife(seeded.as_clip(frames), path, factor=2.5, device="cpu")
    assert result.num_frames == 8
    pairs = [(0, 1, 0.4), (0, 1, 0.8), (1, 2, 0.2), (1, 2, 0.6)]
    np.testing.assert_allclose(seeded.as_frames(result)[1:5], direct(path, frames, pairs), atol=2e-5)


def test_nothing_is_made_across_a_cut(path: Path) -> None:
    frames = seeded.noise(4, 32, 64)
    result = seeded.as_frames(vsrestore.rife(seeded.as_clip(frames, cuts=(2,)), path, device="cpu"))
    np.testing.assert_array_equal(result[[2, 3, 4]], frames[[1, 2, 2]])


def test_duplicates_are_replaced_at_the_same_rate(path: Path) -> None:
    frames = seeded.noise(6, 32, 64)[[0, 1, 2, 2, 3, 4]]
    source = seeded.as_clip(frames)
    result = vsrestore.rife(source, path, replace_duplicates=True, device="cpu")
    assert (result.num_frames, result.fps) == (source.num_frames, source.fps)
    found = seeded.as_frames(result)
    np.testing.assert_array_equal(found[[0, 1, 2, 4, 5]], frames[[0, 1, 2, 4, 5]])
    np.testing.assert_allclose(found[3], direct(path, frames, [(2, 4, 0.5)])[0], atol=2e-5)


def test_the_frame_rate_may_be_said(path: Path) -> None:
    result = vsrestore.rife(clips.noise(), path, fps=59.94, device="cpu")
    assert result.fps == Fraction(60000, 1001)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(path: Path, precision: str) -> None:
    source = seeded.as_clip(seeded.noise(2, 64, 64))
    exact, half = (
        seeded.as_frames(vsrestore.rife(source, path, device="cpu", precision=p)) for p in ("float32", precision)
    )
    assert 40 < seeded.psnr(half[1], exact[1]) < 120


def test_tiles_give_nearly_the_same_picture(path: Path) -> None:
    source = seeded.as_clip(seeded.noise(2, 64, 256))
    whole, tiled = (seeded.as_frames(vsrestore.rife(source, path, device="cpu", tile=tile)) for tile in (None, 192))
    assert 25 < seeded.psnr(tiled[1], whole[1]) < 150


def test_missing_weights_tell_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=r"rife: the checkpoint rife is not here .*: vsrestore weights fetch rife"):
        vsrestore.rife(clips.noise())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "rvrt-sr-reds"}, "rife: rvrt-sr-reds is a checkpoint for rvrt"),
        ({"factor": 2, "fps": 50}, "rife: factor=2 and fps=50 are given"),
        ({"factor": "many"}, "rife: factor='many'; a number"),
        ({"scale": 3}, "rife: scale=3; accepted: 0.25, 0.5, 1, 2, 4"),
        ({"refine": "yes"}, "rife: refine='yes'; True or False is accepted"),
        ({"ensemble": 1}, "rife: ensemble=1; True or False is accepted"),
        ({"replace_duplicates": None}, "rife: replace_duplicates=None; True or False is accepted"),
        ({"tile": 64}, "rife: tile=64; a whole number of at least 128"),
        ({"tile": 128, "scale": 0.5}, "rife: tile=128; a whole number of at least 256"),
        ({"clip": 3}, "rife: clip is int; a video clip"),
    ],
)
def test_bad_input(path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.rife(**{"clip": clips.noise(), "model": path, **arguments})


def test_a_checkpoint_of_another_network(tmp_path: Path) -> None:
    other = seeded.checkpoint(tmp_path / "other.safetensors", "sf_adacof", **seeded.SF_ADACOF)
    with pytest.raises(vs.Error, match="rife: no checkpoint of rife; it is one of sf_adacof"):
        vsrestore.rife(clips.noise(), other)
