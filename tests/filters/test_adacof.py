"""The AdaCoF filter: what its network gives alone between frames that stay as they are; names and refusals."""

from __future__ import annotations

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
from vsrestore.filters.adacof import PUBLISHED


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded.checkpoint(tmp_path_factory.mktemp("adacof") / "small.safetensors", "sf_adacof", **seeded.SF_ADACOF)


def direct(path: Path, frames: np.ndarray, times: list[float], **settings: object) -> np.ndarray:
    """What the network makes between the first two frames."""
    first, second = (torch.from_numpy(frames[[n] * len(times)]) for n in (0, 1))
    with torch.inference_mode():
        return networks.load(read(path), **settings)(first, second, torch.tensor(times)).clamp(0, 1).numpy()


@pytest.mark.parametrize(("factor", "times"), [(2, [0.5]), (4, [0.25, 0.5, 0.75])])
def test_frames_between_are_those_of_the_network(path: Path, factor: int, times: list[float]) -> None:
    frames = seeded.noise(2, 40, 53)
    result = vsrestore.adacof(seeded.as_clip(frames), path, factor=factor, device="cpu")
    found = seeded.as_frames(result)
    np.testing.assert_array_equal(found[[0, factor]], frames)
    np.testing.assert_allclose(found[1:factor], direct(path, frames, times), atol=2e-5)


def test_the_dilation_is_told(path: Path) -> None:
    frames = seeded.noise(2, 32, 32)
    result = seeded.as_frames(vsrestore.adacof(seeded.as_clip(frames), path, dilation=2, device="cpu"))
    np.testing.assert_allclose(result[1], direct(path, frames, [0.5], dilation=2)[0], atol=2e-5)
    assert np.abs(result[1] - direct(path, frames, [0.5])[0]).max() > 0.01


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(path: Path, precision: str) -> None:
    source = seeded.as_clip(seeded.noise(2, 32, 48))
    exact, half = (
        seeded.as_frames(vsrestore.adacof(source, path, device="cpu", precision=p)) for p in ("float32", precision)
    )
    assert 30 < seeded.psnr(half[1], exact[1]) < 140


@pytest.mark.parametrize("model", PUBLISHED)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    message = f"adacof: the checkpoint {PUBLISHED[model]} is not here .*: vsrestore weights fetch {PUBLISHED[model]}"
    with pytest.raises(vs.Error, match=message):
        vsrestore.adacof(clips.noise(), model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "sepconv"}, "adacof: model='sepconv'; accepted: 'adacof', 'adacof_large', 'sf_adacof'"),
        ({"model": "rife"}, "adacof: rife is a checkpoint for rife"),
        ({"dilation": 0}, "adacof: dilation=0; a whole number of at least 1"),
        ({"factor": 0.1}, "adacof: factor=0.1 means 1 frames for 10"),
        ({"clip": clips.noise}, "adacof: clip is function"),
        ({"tile": 64}, "adacof: tile=64; a whole number of at least 128"),
    ],
)
def test_bad_input(path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.adacof(**{"clip": clips.noise(width=32, height=32), "model": path, **arguments})


def test_small_clips_are_refused(path: Path) -> None:
    with pytest.raises(vs.Error, match="adacof: the clip is 24x16; this network needs at least 17 pixels each way"):
        vsrestore.adacof(clips.noise(), path)
