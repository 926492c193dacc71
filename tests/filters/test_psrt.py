"""The PSRT filter: what its network gives alone, chunk by chunk; names, tiles and refusals."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import seeded
from vsrestore import networks
from vsrestore.checkpoints import read
from vsrestore.filters.psrt import PUBLISHED

LENGTH = 5


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded.checkpoint(tmp_path_factory.mktemp("psrt") / "small.safetensors", "psrt", **seeded.PSRT)


def direct(path: Path, frames: np.ndarray, chunk: int, overlap: int) -> np.ndarray:
    return seeded.chunk_by_chunk(networks.load(read(path)), frames, chunk, overlap)


def test_any_order_gives_what_the_network_gives(path: Path) -> None:
    frames = seeded.noise(LENGTH, 33, 40)
    order = random.Random(2).sample(range(LENGTH), LENGTH)
    result = vsrestore.psrt(seeded.as_clip(frames), path, chunk=3, overlap=1, device="cpu")
    np.testing.assert_allclose(seeded.as_frames(result, order), direct(path, frames, 3, 1), atol=2e-5)


def test_nothing_comes_over_a_cut(path: Path) -> None:
    frames = seeded.noise(3, 33, 40)
    result = vsrestore.psrt(seeded.as_clip(frames, cuts=(2,)), path, device="cpu")
    parts = [direct(path, part, 16, 8) for part in (frames[:2], frames[2:])]
    np.testing.assert_allclose(seeded.as_frames(result), np.concatenate(parts), atol=2e-5)


@pytest.mark.parametrize("size", [(1, 1), (17, 35)])
def test_tiny_clips_are_mirrored(path: Path, size: tuple[int, int]) -> None:
    result = seeded.as_frames(vsrestore.psrt(seeded.as_clip(seeded.noise(1, *size)), path, device="cpu"))
    assert result.shape == (1, 3, 4 * size[0], 4 * size[1])


def test_frames_of_the_overlap_are_not_enlarged(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vsrestore.networks.psrt import PSRT

    calls, enlarged = [], PSRT._enlarged
    monkeypatch.setattr(PSRT, "_enlarged", lambda *given: calls.append(1) or enlarged(*given))
    source = seeded.as_clip(seeded.noise(4, 33, 33))
    seeded.as_frames(vsrestore.psrt(source, path, chunk=2, overlap=2, device="cpu"))
    assert len(calls) == 4


def test_tiles_give_nearly_the_same_picture(path: Path) -> None:
    source = seeded.as_clip(seeded.noise(1, 40, 104))
    whole, tiled = (seeded.as_frames(vsrestore.psrt(source, path, device="cpu", tile=tile)) for tile in (None, 64))
    assert 40 < seeded.psnr(tiled, whole) < 150


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(path: Path, precision: str) -> None:
    source = seeded.as_clip(seeded.noise(2, 33, 40))
    exact, half = (
        seeded.as_frames(vsrestore.psrt(source, path, device="cpu", precision=p)) for p in ("float32", precision)
    )
    assert 40 < seeded.psnr(half, exact) < 110


@pytest.mark.parametrize("model", PUBLISHED)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=f"psrt: the checkpoint {PUBLISHED[model]} is not here .*download PSRT_"):
        vsrestore.psrt(clips.noise(), model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "reds4"}, "psrt: model='reds4'; accepted: 'reds', 'vimeo', a name of the registry"),
        ({"model": "rvrt-sr-reds"}, "psrt: rvrt-sr-reds is a checkpoint for rvrt"),
        ({"chunk": 4, "overlap": 5}, "psrt: overlap=5 is more than chunk=4"),
        ({"chunk": 1025}, "psrt: 1025 frames at once; 1 to 1024 are accepted"),
        ({"tile": 32}, "psrt: tile=32; a whole number of at least 64"),
        ({"cpu_cache": "yes"}, "psrt: cpu_cache='yes'; True, False or None is accepted"),
    ],
)
def test_bad_input(path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.psrt(**{"clip": clips.noise(), "model": path, **arguments})


def test_a_checkpoint_of_another_network(tmp_path: Path) -> None:
    other = seeded.checkpoint(tmp_path / "other.safetensors", "mmp_rnn", **seeded.MMP_RNN)
    with pytest.raises(vs.Error, match="psrt: no checkpoint of psrt; it is one of mmp_rnn"):
        vsrestore.psrt(clips.noise(), other)
