"""The filter of Analog Swin-UNet: what its network gives alone, its borders, refusals."""

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
from vsrestore.networks.absent_frames import ABSENT, BLACK

LENGTH = 6


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analog")
    return seeded.checkpoint(folder / "small.safetensors", "analog_swin_unet", **seeded.ANALOG_SWIN_UNET)


def direct(path: Path, frames: np.ndarray, windows: list[list[int]]) -> np.ndarray:
    with torch.inference_mode():
        restored = networks.load(read(path))(torch.from_numpy(frames)[None], torch.tensor(windows))
    return restored[0].clamp(0, 1).numpy()


@pytest.mark.parametrize(
    ("border", "first", "last"),
    [
        ("published", [BLACK, BLACK, 0, 1, 2], [3, 4, 5, BLACK, ABSENT]),
        ("black", [BLACK, BLACK, 0, 1, 2], [3, 4, 5, BLACK, BLACK]),
        ("mirror", [2, 1, 0, 1, 2], [3, 4, 5, 4, 3]),
    ],
)
def test_what_stands_beyond_the_ends(path: Path, border: str, first: list[int], last: list[int]) -> None:
    frames = seeded.noise(LENGTH, 16, 32)
    result = vsrestore.analog_swin_unet(seeded.as_clip(frames), path, border=border, device="cpu")
    found = np.stack([np.stack(clips.samples(result.get_frame(n))) for n in (5, 0, 3)])
    np.testing.assert_allclose(found, direct(path, frames, [last, first, [1, 2, 3, 4, 5]]), atol=2e-5)


def test_nothing_comes_over_a_cut(path: Path) -> None:
    frames = seeded.noise(4, 16, 16)
    result = seeded.as_frames(vsrestore.analog_swin_unet(seeded.as_clip(frames, cuts=(1, 3)), path, device="cpu"))
    windows = [
        [BLACK, BLACK, 0, BLACK, ABSENT],
        [BLACK, BLACK, 1, 2, ABSENT],
        [BLACK, 1, 2, BLACK, ABSENT],
        [BLACK, BLACK, 3, BLACK, ABSENT],
    ]
    np.testing.assert_allclose(result, direct(path, frames, windows), atol=2e-5)


@pytest.mark.parametrize("size", [(1, 1), (9, 35)])
def test_tiny_and_odd_clips(path: Path, size: tuple[int, int]) -> None:
    source = seeded.as_clip(seeded.noise(2, *size))
    assert seeded.as_frames(vsrestore.analog_swin_unet(source, path, device="cpu")).shape == (2, 3, *size)


def test_tiles_give_nearly_the_same_picture(path: Path) -> None:
    source = seeded.as_clip(seeded.noise(1, 32, 384))
    whole, tiled = (
        seeded.as_frames(vsrestore.analog_swin_unet(source, path, device="cpu", tile=tile)) for tile in (None, 256)
    )
    assert 40 < seeded.psnr(tiled, whole) < 150


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(path: Path, precision: str) -> None:
    source = seeded.as_clip(seeded.noise(3, 32, 32))
    exact, half = (
        seeded.as_frames(vsrestore.analog_swin_unet(source, path, device="cpu", precision=p))
        for p in ("float32", precision)
    )
    assert 40 < seeded.psnr(half, exact) < 110


def test_its_name_asks_for_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=r"analog_swin_unet: the checkpoint analog-swin-unet is not here .* the \.ckpt"):
        vsrestore.analog_swin_unet(clips.noise())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "large"}, "analog_swin_unet: model='large'; accepted: 'base', a name of the registry"),
        ({"model": "psrt-reds"}, "analog_swin_unet: psrt-reds is a checkpoint for psrt"),
        ({"border": "repeat"}, "analog_swin_unet: border='repeat'; accepted: 'published', 'black', 'mirror'"),
        ({"tile": 128}, "analog_swin_unet: tile=128; a whole number of at least 256"),
    ],
)
def test_bad_input(path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.analog_swin_unet(**{"clip": clips.noise(), "model": path, **arguments})
