"""The BasicVSR++ filter: what its network gives alone, chunk by chunk; overlap, cuts and refusals."""

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
from vsrestore.filters import basicvsrpp, checkpoint

SAME_SIZE = {"same_size": True}
LENGTH = 11


def direct(path: Path, frames: np.ndarray, chunk: int, overlap: int) -> np.ndarray:
    return seeded.chunk_by_chunk(networks.load(read(path)), frames, chunk, overlap)


@pytest.mark.slow
def test_a_record_is_reproduced(tmp_path: Path) -> None:
    record = records.read("basicvsrpp-c64n7-sr")
    path = seeded.saved("basicvsrpp-c64n7-sr", tmp_path / "reds4.pth")
    source = seeded.as_clip(record.clip()[0].numpy())
    result = seeded.as_frames(vsrestore.basicvsrpp(source, path, device="cpu"))
    expected = record.outputs["out_clip"].clamp(0, 1).numpy()
    np.testing.assert_allclose(result[..., ::3, ::3], expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "chunk", "overlap"), [({}, 4, 2), (SAME_SIZE, 4, 2), (SAME_SIZE, 3, 0), (SAME_SIZE, 2, 2)]
)
def test_any_order_gives_what_the_network_gives(tmp_path: Path, settings: dict, chunk: int, overlap: int) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP, **settings)
    frames = seeded.noise(LENGTH, 32, 40)
    order = random.Random(2).sample(range(LENGTH), LENGTH)
    result = vsrestore.basicvsrpp(seeded.as_clip(frames), path, chunk=chunk, overlap=overlap, device="cpu")
    np.testing.assert_allclose(seeded.as_frames(result, order), direct(path, frames, chunk, overlap), atol=2e-5)


@pytest.mark.slow
def test_overlap_brings_chunks_closer_to_the_whole_clip(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP, **SAME_SIZE)
    source = seeded.as_clip(seeded.noise(LENGTH, 32, 32))

    def restored(chunk: int, overlap: int) -> np.ndarray:
        return seeded.as_frames(vsrestore.basicvsrpp(source, path, chunk=chunk, overlap=overlap, device="cpu"))

    whole = restored(LENGTH, 0)
    without, two, four = (seeded.psnr(restored(4, overlap), whole) for overlap in (0, 2, 4))
    assert without < two < four


def test_nothing_comes_over_a_cut(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP, **SAME_SIZE)
    frames = seeded.noise(LENGTH, 32, 32)
    result = vsrestore.basicvsrpp(seeded.as_clip(frames, cuts=(6,)), path, device="cpu")
    parts = [direct(path, part, 16, 2) for part in (frames[:6], frames[6:])]
    np.testing.assert_allclose(seeded.as_frames(result), np.concatenate(parts), atol=2e-5)


def test_frames_of_the_overlap_are_not_reconstructed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vsrestore.networks.basicvsrpp import BasicVSRpp

    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP, **SAME_SIZE)
    calls, reconstruct = [], BasicVSRpp._reconstruct
    monkeypatch.setattr(BasicVSRpp, "_reconstruct", lambda *given: calls.append(1) or reconstruct(*given))
    source = seeded.as_clip(seeded.noise(LENGTH, 32, 32))
    seeded.as_frames(vsrestore.basicvsrpp(source, path, chunk=4, overlap=4, device="cpu"))
    assert len(calls) == LENGTH


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_picture_is_the_same_wherever_features_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    from vsrestore.networks import basicvsrpp as network

    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    stores, store = [], network.Store
    monkeypatch.setattr(network, "Store", lambda *given: stores.append(given[2]) or store(*given))
    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP)
    source = seeded.as_clip(seeded.noise(5, 32, 32))
    given, rested = {}, {}
    for choice in (None, True, False):
        stores.clear()
        given[choice] = seeded.as_frames(vsrestore.basicvsrpp(source, path, chunk=4, cpu_cache=choice, device=device))
        rested[choice] = set(stores)
    assert rested == {None: {False}, True: {True}, False: {False}}
    np.testing.assert_array_equal(given[True], given[None])
    np.testing.assert_array_equal(given[True], given[False])


@pytest.mark.parametrize(("cpu_cache", "host"), [(None, True), (False, False)])
def test_features_of_long_chunks_rest_in_the_machines_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpu_cache: bool | None, host: bool
) -> None:
    from vsrestore.networks import basicvsrpp as network

    def stop(length: int, device: torch.device, rests: bool) -> None:
        raise RuntimeError(f"{length} frames, host memory: {rests}")

    monkeypatch.setattr(network, "Store", stop)
    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP)
    source = seeded.as_clip(seeded.noise(1, 32, 32)).std.Loop(101)
    result = vsrestore.basicvsrpp(source, path, chunk=101, cpu_cache=cpu_cache, device="cpu", scene_changes=False)
    with pytest.raises(vs.Error, match=f"frames, host memory: {host}"):
        result.get_frame(0)


@pytest.mark.slow
def test_tiles_give_nearly_the_same_picture(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP, **SAME_SIZE)
    source = seeded.as_clip(seeded.noise(3, 144, 208))
    whole, tiled = (
        seeded.as_frames(vsrestore.basicvsrpp(source, path, device="cpu", tile=tile)) for tile in (None, 128)
    )
    assert 40 < seeded.psnr(tiled, whole) < 120


def test_bfloat16_gives_nearly_the_same_picture(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP, **SAME_SIZE)
    source = seeded.as_clip(seeded.noise(5, 32, 48))
    exact, half = (
        seeded.as_frames(vsrestore.basicvsrpp(source, path, device="cpu", precision=p)) for p in ("float32", "bfloat16")
    )
    assert 35 < seeded.psnr(half, exact) < 100


@pytest.mark.parametrize("model", basicvsrpp.VARIANTS)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    entry = basicvsrpp.VARIANTS[model].entry
    with pytest.raises(vs.Error, match=f"basicvsrpp: .*vsrestore weights fetch {entry}"):
        vsrestore.basicvsrpp(clips.noise(width=32, height=32), model)


def test_named_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = seeded.checkpoint(tmp_path / "same.safetensors", "basicvsrpp", **seeded.BASICVSRPP, **SAME_SIZE)
    monkeypatch.setattr(checkpoint, "find", lambda *_, **__: path)
    source = clips.noise(width=40, height=32)
    assert vsrestore.basicvsrpp(source, "denoise", device="cpu").get_frame(3).width == 40
    with pytest.raises(vs.Error, match=r"basicvsrpp: .*same.safetensors is a checkpoint of another task than reds4"):
        vsrestore.basicvsrpp(source, "reds4")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chunk": 4, "overlap": 5}, "basicvsrpp: overlap=5 is more than chunk=4"),
        ({"chunk": 0}, "basicvsrpp: chunk=0; a whole number of at least 1"),
        ({"overlap": -1}, "basicvsrpp: overlap=-1; a whole number of at least 0"),
        ({"cpu_cache": 1}, "basicvsrpp: cpu_cache=1; True, False or None is accepted"),
        ({"model": "reds"}, "basicvsrpp: model='reds'; accepted: 'reds4', 'vimeo90k_bi'"),
        ({"model": "./absent.pth"}, "basicvsrpp: absent.pth does not exist"),
        ({"model": "edvr-l-deblur-reds"}, "basicvsrpp: edvr-l-deblur-reds is a checkpoint for edvr"),
        ({"clip": clips.noise(width=24, height=32)}, "basicvsrpp: the clip is 24x32; this network needs at least 32"),
    ],
)
def test_bad_input(tmp_path: Path, arguments: dict, message: str) -> None:
    path = seeded.checkpoint(tmp_path / "small.safetensors", "basicvsrpp", **seeded.BASICVSRPP)
    given = {"clip": clips.noise(width=32, height=32), "model": path, **arguments}
    with pytest.raises(vs.Error, match=message):
        vsrestore.basicvsrpp(**given)
