"""The MMP-RNN filter: published chunks, mirrored ends, colours, refusals."""

from __future__ import annotations

import random
from itertools import pairwise
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
from vsrestore.filters import checkpoint
from vsrestore.filters.mmp_rnn import VARIANTS

LENGTH = 9


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded.checkpoint(tmp_path_factory.mktemp("mmp") / "small.safetensors", "mmp_rnn", **seeded.MMP_RNN)


def direct(path: Path, frames: np.ndarray, numbers: list[int]) -> np.ndarray:
    """What the network gives of frames that it sees in this order: all but the first and last two."""
    with torch.inference_mode():
        return networks.load(read(path))(torch.from_numpy(frames[numbers])[None])[0].clamp(0, 1).numpy()


def test_the_published_frames_of_a_clip_come_back(tmp_path: Path) -> None:
    record = records.read("mmp_rnn-pipeline")
    path = seeded.saved("mmp_rnn-pipeline", tmp_path / "gopro.pth")
    source = seeded.as_clip(record.frames()[0].numpy())
    chunk = record.config["chunk"] - 4
    result = seeded.as_frames(vsrestore.mmp_rnn(source[2:], path, chunk=chunk, device="cpu"))
    # Published chunks give frames 2 to 6, 7 to 11 and, moved back to the clip's end, 10 to 14. Without the clip's first
    # two frames ours begin at the same ones; the second sees neither what is mirrored nor what is moved.
    expected = (record.outputs["out_frames"].numpy() + 0.5).clip(0, 1)
    np.testing.assert_allclose(result[chunk : chunk + 3], expected[chunk : chunk + 3], atol=1e-4)


def test_ends_are_mirrored_and_chunks_lie_on_a_grid(path: Path) -> None:
    frames = seeded.noise(LENGTH, 16, 20)
    order = random.Random(2).sample(range(LENGTH), LENGTH)
    result = vsrestore.mmp_rnn(seeded.as_clip(frames), path, chunk=4, device="cpu")
    chunks = [[2, 1, 0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7, 8, 7], [6, 7, 8, 7, 6]]
    expected = np.concatenate([direct(path, frames, numbers) for numbers in chunks])
    np.testing.assert_allclose(seeded.as_frames(result, order), expected, atol=2e-5)


def test_a_longer_overlap_remembers_more(path: Path) -> None:
    frames = seeded.noise(LENGTH, 16, 20)
    result = vsrestore.mmp_rnn(seeded.as_clip(frames), path, chunk=4, overlap=4, device="cpu")
    expected = direct(path, frames, list(range(LENGTH)))[2:6]
    np.testing.assert_allclose(seeded.as_frames(result)[4:7], expected[:3], atol=2e-5)


@pytest.mark.parametrize(("length", "cuts"), [(1, ()), (2, ()), (3, (1, 2)), (5, (2,))])
def test_short_shots_get_all_their_frames(path: Path, length: int, cuts: tuple[int, ...]) -> None:
    frames = seeded.noise(length, 16, 16)
    whole = seeded.as_frames(vsrestore.mmp_rnn(seeded.as_clip(frames, cuts), path, device="cpu"))
    bounds = [0, *cuts, length]
    shots = [frames[first:end] for first, end in pairwise(bounds)]
    alone = [seeded.as_frames(vsrestore.mmp_rnn(seeded.as_clip(shot), path, device="cpu")) for shot in shots]
    np.testing.assert_allclose(whole, np.concatenate(alone), atol=2e-5)


@pytest.mark.parametrize("size", [(1, 1), (9, 35)])
def test_tiny_and_odd_clips(path: Path, size: tuple[int, int]) -> None:
    result = seeded.as_frames(vsrestore.mmp_rnn(seeded.as_clip(seeded.noise(2, *size)), path, device="cpu"))
    assert result.shape == (2, 3, *size)


def test_colours_come_in_the_order_of_the_weights(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = seeded.noise(2, 16, 16)
    source, turned = seeded.as_clip(frames), seeded.as_clip(frames[:, ::-1])
    rgb, bgr, other = (
        seeded.as_frames(vsrestore.mmp_rnn(clip, path, channels=channels, device="cpu"))
        for clip, channels in ((source, None), (source, "bgr"), (turned, "rgb"))
    )
    np.testing.assert_allclose(bgr, other[:, ::-1], atol=2e-5)
    assert not np.allclose(rgb, bgr, atol=1e-3)
    monkeypatch.setattr(checkpoint, "find", lambda *_, **__: path)
    for model, expected in (("gopro", rgb), ("bsd", bgr), ("mmp-rnn-bsd", bgr)):
        np.testing.assert_array_equal(seeded.as_frames(vsrestore.mmp_rnn(source, model, device="cpu")), expected)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(path: Path, precision: str) -> None:
    source = seeded.as_clip(seeded.noise(3, 32, 32))
    exact, half = (
        seeded.as_frames(vsrestore.mmp_rnn(source, path, device="cpu", precision=p)) for p in ("float32", precision)
    )
    assert 40 < seeded.psnr(half, exact) < 110


@pytest.mark.parametrize("model", VARIANTS)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=f"mmp_rnn: .*vsrestore weights fetch {VARIANTS[model].entry}"):
        vsrestore.mmp_rnn(clips.noise(), model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "reds"}, "mmp_rnn: model='reds'; accepted: 'gopro', 'bsd', a name of the registry"),
        ({"model": "psrt-reds"}, "mmp_rnn: psrt-reds is a checkpoint for psrt"),
        ({"channels": "yuv"}, "mmp_rnn: channels='yuv'; accepted: 'rgb', 'bgr'"),
        ({"overlap": 1}, "mmp_rnn: overlap=1; a whole number of at least 2"),
        ({"chunk": 1}, "mmp_rnn: overlap=2 is more than chunk=1"),
        ({"chunk": 10**9}, "mmp_rnn: 1000000000 frames at once; 1 to 1024 are accepted"),
    ],
)
def test_bad_input(path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.mmp_rnn(**{"clip": clips.noise(), "model": path, **arguments})
