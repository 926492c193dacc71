"""The MAT filter: what its network gives, holes alone, masks, borders, tiles, seeds and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vsrestore
from tests import clips, network_pickles
from tests.filters import seeded
from vsrestore import networks
from vsrestore.checkpoints import read
from vsrestore.filters import mat

SIZE = 128


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network as published, in a pickle of the whole network."""
    folder = tmp_path_factory.mktemp("mat")
    tensors = read(seeded.checkpoint(folder / "small.safetensors", "mat", **seeded.MAT))
    published = {}
    for name, tensor in tensors.items():
        unit = tensor * tensor[0].numel() ** 0.5 if tensor.ndim > 1 else tensor
        gain = 100 if name.startswith("mapping.") and tensor.ndim > 1 else 1
        published[name] = unit * gain
    return network_pickles.save(folder / "small.pkl", published)


def mask(height: int, width: int, *areas: tuple[int, int, int, int], fmt: int = vs.GRAY8) -> vs.VideoNode:
    """A mask with one frame per area."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame, (top, bottom, left, right) = f.copy(), areas[n]
        np.asarray(frame[0])[top:bottom, left:right] = 255 if fmt == vs.GRAY8 else 1
        return frame

    blank = vs.core.std.BlankClip(format=fmt, width=width, height=height, length=len(areas))
    return blank.std.ModifyFrame(clips=blank, selector=paint)


def test_holes_are_what_the_network_paints(small: Path) -> None:
    frames, area = seeded.noise(2, SIZE, SIZE), (40, 90, 30, 100)
    source = seeded.as_clip(frames)
    given = seeded.as_frames(vsrestore.mat(source, mask(SIZE, SIZE, area), model=small, seed=5, device="cpu"))
    holes = np.zeros((2, 1, SIZE, SIZE), np.float32)
    holes[:, :, area[0] : area[1], area[2] : area[3]] = 1
    pictures = torch.from_numpy(np.concatenate((frames, holes), axis=1))
    with torch.inference_mode():
        expected = networks.load(read(small), seed=5)(pictures).clamp(0, 1).numpy()
    np.testing.assert_allclose(given, expected, atol=1e-5)
    assert np.abs(given - frames).max() > 0.05


def test_a_mask_per_frame_in_any_order(small: Path) -> None:
    frames = seeded.noise(3, 150, SIZE)
    areas = ((10, 30, 10, 40), (0, 0, 0, 0), (120, 150, 100, 128))
    result = vsrestore.mat(seeded.as_clip(frames), mask(150, SIZE, *areas, fmt=vs.GRAYS), model=small, device="cpu")
    given = seeded.as_frames(result, [2, 0, 1])
    for n, (top, bottom, left, right) in enumerate(areas):
        kept = np.ones((150, SIZE), bool)
        kept[top:bottom, left:right] = False
        np.testing.assert_array_equal(given[n][:, kept], frames[n][:, kept])
        assert kept.all() or np.abs(given[n] - frames[n])[:, ~kept].mean() > 0.01


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV444P16, vs.RGBH])
def test_a_rim_is_painted_and_the_rest_is_the_source_to_the_bit(small: Path, fmt: int) -> None:
    source = clips.noise(fmt, 2 * SIZE, 150, 1)
    result = vsrestore.mat(source, border=20, model=small, device="cpu")
    before, after = (clips.samples(clip.get_frame(0)) for clip in (source, result))
    for one, other in zip(before, after, strict=True):
        rim = 20 * one.shape[0] // 150
        inside = (slice(rim, -rim),) * 2
        np.testing.assert_array_equal(one[inside], other[inside])
        assert (one != other).mean() > 0.1


def test_a_still_picture_stays_still(small: Path) -> None:
    source = seeded.as_clip(np.repeat(seeded.noise(1, 64, 64), 3, axis=0))
    given = seeded.as_frames(vsrestore.mat(source, border=8, model=small, device="cpu"))
    np.testing.assert_array_equal(given[1:], given[:-1])
    other = seeded.as_frames(vsrestore.mat(source, border=8, model=small, seed=1, device="cpu"))
    assert not np.array_equal(given, other)


def test_bfloat16_paints_nearly_the_same(small: Path) -> None:
    source = seeded.as_clip(seeded.noise(1, 64, 64))
    exact, half = (
        seeded.as_frames(vsrestore.mat(source, border=8, model=small, device="cpu", precision=p))
        for p in ("float32", "bfloat16")
    )
    assert 25 < seeded.psnr(half, exact) < 100


@pytest.mark.parametrize("model", mat.PUBLISHED)
def test_every_name_tells_where_its_file_is(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=r"mat: .*sharepoint\.com.* in a browser and download"):
        vsrestore.mat(clips.noise(), border=2, model=model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "mat: neither mask nor border is given"),
        ({"border": 8}, "mat: border=8 leaves nothing of a clip of 24x16"),
        ({"mask": clips.noise(vs.GRAY8, length=3)}, "mat: mask has 3 frames but the clip has 7"),
        ({"mask": clips.noise(vs.GRAY8, height=18)}, "mat: mask is 24x18 but the clip is 24x16"),
        ({"mask": clips.noise(vs.RGB24)}, "mat: mask is RGB24; a gray clip is accepted"),
        ({"border": 2, "seed": -1}, "mat: seed=-1; a whole number of at least 0"),
        ({"border": 2, "seed": 2**32}, r"mat: seed=4294967296; a whole number below 2\*\*32"),
        ({"border": 2, "precision": "float16"}, "mat: precision='float16' harms this network; accepted: float32, bf"),
        ({"border": 2, "model": "rooms"}, "mat: model='rooms'; accepted: 'places', 'places_standard'"),
    ],
)
def test_bad_input(small: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.mat(clips.noise(), **{"model": small, "device": "cpu", **arguments})
