"""The RealBasicVSR filter: what its network gives alone, chunk by chunk; passes, cuts and refusals."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import seeded
from tests.golden import records
from vsrestore import networks
from vsrestore.checkpoints import read
from vsrestore.filters import realbasicvsr

LENGTH = 7


def direct(path: Path, frames: np.ndarray, chunk: int, overlap: int, passes: int) -> np.ndarray:
    return seeded.chunk_by_chunk(networks.load(read(path), passes=passes), frames, chunk, overlap)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return seeded.checkpoint(tmp_path / "small.safetensors", "realbasicvsr", **seeded.REALBASICVSR)


@pytest.mark.slow
@pytest.mark.parametrize(("record", "passes"), [("realbasicvsr-x4", 1), ("realbasicvsr-x4-refine", 3)])
def test_a_record_is_reproduced(tmp_path: Path, record: str, passes: int) -> None:
    path, recorded = seeded.saved(record, tmp_path / "x4.pth"), records.read(record)
    source = seeded.as_clip(recorded.clip()[0].numpy())
    result = seeded.as_frames(vsrestore.realbasicvsr(source, path, passes=passes, device="cpu"))
    np.testing.assert_allclose(result[..., ::3, ::3], recorded.outputs["out_clip"].clamp(0, 1).numpy(), atol=1e-4)


@pytest.mark.parametrize(("passes", "chunk", "overlap"), [(1, 3, 2), (2, 4, 0)])
def test_any_order_gives_what_the_network_gives(small: Path, passes: int, chunk: int, overlap: int) -> None:
    frames, order = seeded.noise(LENGTH, 32, 40), random.Random(2).sample(range(LENGTH), LENGTH)
    source = seeded.as_clip(frames)
    result = vsrestore.realbasicvsr(source, small, passes=passes, chunk=chunk, overlap=overlap, device="cpu")
    np.testing.assert_allclose(
        seeded.as_frames(result, order), direct(small, frames, chunk, overlap, passes), atol=2e-5
    )


def test_nothing_comes_over_a_cut(small: Path) -> None:
    frames = seeded.noise(LENGTH, 32, 32)
    result = seeded.as_frames(vsrestore.realbasicvsr(seeded.as_clip(frames, cuts=(4,)), small, device="cpu"))
    parts = [direct(small, part, 16, 2, 1) for part in (frames[:4], frames[4:])]
    np.testing.assert_allclose(result, np.concatenate(parts), atol=2e-5)


def test_bfloat16_gives_nearly_the_same_picture(small: Path) -> None:
    source = seeded.as_clip(seeded.noise(4, 32, 32))
    exact, half = (
        seeded.as_frames(vsrestore.realbasicvsr(source, small, device="cpu", precision=p))
        for p in ("float32", "bfloat16")
    )
    assert 35 < seeded.psnr(half, exact) < 100


@pytest.mark.parametrize("model", realbasicvsr.PUBLISHED)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    entry = realbasicvsr.PUBLISHED[model]
    with pytest.raises(vs.Error, match=f"realbasicvsr: .*vsrestore weights fetch {entry}"):
        vsrestore.realbasicvsr(clips.noise(width=32, height=32), model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"passes": 4}, "realbasicvsr: passes=4; 1 to 3 are accepted"),
        ({"chunk": 4, "overlap": 5}, "realbasicvsr: overlap=5 is more than chunk=4"),
        ({"model": "x2"}, "realbasicvsr: model='x2'; accepted: 'x4', 'x4_wogan'"),
        ({"clip": clips.noise(width=24, height=32)}, "realbasicvsr: the clip is 24x32; this network needs at least 32"),
    ],
)
def test_bad_input(small: Path, arguments: dict, message: str) -> None:
    given = {"clip": clips.noise(width=32, height=32), "model": small, **arguments}
    with pytest.raises(vs.Error, match=message):
        vsrestore.realbasicvsr(**given)
