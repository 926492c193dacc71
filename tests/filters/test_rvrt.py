"""The RVRT filter: what its network gives alone, chunk by chunk; the level of noise, tasks and refusals."""

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
from vsrestore.filters import checkpoint
from vsrestore.filters.noise import noise_levels
from vsrestore.filters.rvrt import VARIANTS
from vsrestore.video.noise import noise_level

LENGTH = 5
SIZE = 136
SETTINGS = {
    "denoise": seeded.RVRT_DENOISE,
    "deblur": {**seeded.RVRT, "same_size": True},
    "sr": seeded.RVRT,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By task: a small network with seeded weights."""
    folder = tmp_path_factory.mktemp("rvrt")
    return {
        task: seeded.checkpoint(folder / f"{task}.safetensors", "rvrt", **settings)
        for task, settings in SETTINGS.items()
    }


def direct(path: Path, frames: np.ndarray, chunk: int, overlap: int, **named: object) -> np.ndarray:
    return seeded.chunk_by_chunk(networks.load(read(path)), frames, chunk, overlap, **named)


@pytest.mark.parametrize("task", ["deblur", "sr"])
def test_any_order_gives_what_the_network_gives(small: dict[str, Path], task: str) -> None:
    frames = seeded.noise(LENGTH, *((40, 48) if task == "sr" else (SIZE, SIZE)))
    order = random.Random(2).sample(range(LENGTH), LENGTH)
    result = vsrestore.rvrt(seeded.as_clip(frames), task, model=small[task], chunk=4, overlap=2, device="cpu")
    np.testing.assert_allclose(seeded.as_frames(result, order), direct(small[task], frames, 4, 2), atol=2e-5)


@pytest.mark.parametrize(("sigma", "level"), [(20, 20 / 255), (0, 0)])
def test_the_network_is_told_the_noise(small: dict[str, Path], sigma: float, level: float) -> None:
    frames = seeded.noise(2, SIZE, SIZE)
    result = vsrestore.rvrt(seeded.as_clip(frames), model=small["denoise"], sigma=sigma, device="cpu")
    expected = direct(small["denoise"], frames, 16, 8, noise_level=level)
    np.testing.assert_allclose(seeded.as_frames(result), expected, atol=2e-5)


def test_the_noise_is_measured_on_a_grid(small: dict[str, Path]) -> None:
    frames = seeded.noise(5, SIZE, SIZE)
    result = vsrestore.rvrt(seeded.as_clip(frames), model=small["denoise"], device="cpu")
    level = float(np.median([noise_level(list(frames[n])) for n in (0, 4)]))
    assert 0.02 < level < 0.05
    expected = direct(small["denoise"], frames, 16, 8, noise_level=level)
    np.testing.assert_allclose(seeded.as_frames(result), expected, atol=2e-5)


def with_noise(sigmas: list[float], size: int = 64) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.array([0.5 + rng.normal(0, sigma / 255, (3, size, size)) for sigma in sigmas], np.float32)


def measured(source: vs.VideoNode, order: list[int]) -> list[float]:
    levels = noise_levels("rvrt", source, 50 / 255)
    assert (levels.width, levels.height, levels.num_frames) == (source.width, source.height, source.num_frames)
    samples = {n: clips.samples(levels.get_frame(n))[0] for n in order}
    assert all((plane == plane[0, 0]).all() for plane in samples.values())
    return [255 * float(samples[n][0, 0]) for n in sorted(order)]


def test_each_shot_of_a_block_has_its_own_level() -> None:
    frames = with_noise([5] * 6 + [20] * 14 + [40] * 14)
    order = random.Random(1).sample(range(34), 34)
    levels = measured(seeded.as_clip(frames, cuts=(6, 20)), order)
    expected = [5.0] * 6 + [20.0] * 14 + [40.0] * 14
    assert levels == pytest.approx(expected, rel=0.1)
    # One level each: a shot's part of a block.
    assert len(set(levels)) == 5
    assert levels == measured(seeded.as_clip(frames, cuts=(6, 20)), list(range(34)))


def test_a_part_without_a_frame_of_the_grid_has_that_of_its_first() -> None:
    frames = with_noise([5] * 17 + [30] * 2 + [5])
    levels = measured(seeded.as_clip(frames, cuts=(17, 19)), list(range(20)))
    assert levels[17] == levels[18] == pytest.approx(255 * noise_level(list(frames[17])), rel=1e-5)


def test_levels_end_where_training_did() -> None:
    assert measured(seeded.as_clip(with_noise([70])), [0]) == pytest.approx([50], abs=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (17, 33)])
@pytest.mark.parametrize("task", SETTINGS)
def test_tiny_clips_are_mirrored(small: dict[str, Path], task: str, size: tuple[int, int]) -> None:
    scale = 4 if task == "sr" else 1
    source = seeded.as_clip(seeded.noise(2, *size), cuts=(1,))
    result = seeded.as_frames(vsrestore.rvrt(source, task, model=small[task], device="cpu"))
    assert result.shape == (2, 3, scale * size[0], scale * size[1])


def test_frames_of_the_overlap_are_not_reconstructed(small: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from vsrestore.networks.rvrt import RVRT

    calls, reconstruct = [], RVRT._reconstruct
    monkeypatch.setattr(RVRT, "_reconstruct", lambda *given: calls.append(1) or reconstruct(*given))
    source = seeded.as_clip(seeded.noise(LENGTH, 40, 40))
    seeded.as_frames(vsrestore.rvrt(source, "sr", model=small["sr"], chunk=2, overlap=2, device="cpu"))
    assert len(calls) == LENGTH


def test_tiles_give_nearly_the_same_picture(small: dict[str, Path]) -> None:
    source = seeded.as_clip(seeded.noise(2, 40, 104))
    whole, tiled = (
        seeded.as_frames(vsrestore.rvrt(source, "sr", model=small["sr"], device="cpu", tile=tile))
        for tile in (None, 64)
    )
    assert 40 < seeded.psnr(tiled, whole) < 120


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(small: dict[str, Path], precision: str) -> None:
    source = seeded.as_clip(seeded.noise(2, SIZE, SIZE))
    exact, half = (
        seeded.as_frames(vsrestore.rvrt(source, model=small["denoise"], device="cpu", precision=p))
        for p in ("float32", precision)
    )
    assert 40 < seeded.psnr(half, exact) < 110


@pytest.mark.parametrize("task", VARIANTS)
def test_every_task_asks_for_its_file(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=f"rvrt: .*vsrestore weights fetch {VARIANTS[task].entry}"):
        vsrestore.rvrt(clips.noise(), task)


def test_a_checkpoint_of_another_task(small: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(vs.Error, match=r"rvrt: .*sr.safetensors is a .* another task than denoise; task='sr' runs it"):
        vsrestore.rvrt(clips.noise(), model=small["sr"])
    monkeypatch.setattr(checkpoint, "find", lambda *_, **__: small["denoise"])
    with pytest.raises(vs.Error, match="is a checkpoint of another task than deblur; fetch rvrt-deblur-gopro again"):
        vsrestore.rvrt(clips.noise(), "deblur")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "sharpen"}, "rvrt: task='sharpen'; accepted: 'denoise', 'deblur', 'deblur_dvd', 'sr'"),
        ({"sigma": -1}, "rvrt: sigma=-1; a number from 0 to 50 is accepted"),
        ({"sigma": 51}, "rvrt: sigma=51; a number from 0 to 50 is accepted"),
        ({"sigma": float("nan")}, "rvrt: sigma=nan; a number from 0 to 50 is accepted"),
        ({"sigma": "some"}, "rvrt: sigma='some'; accepted: 'auto'"),
        ({"task": "deblur", "sigma": 5}, "rvrt: sigma=5 is given, but task='deblur' takes no level of noise"),
        ({"chunk": 5, "overlap": 4}, "rvrt: chunk=5; a multiple of 2 is accepted"),
        ({"overlap": 3}, "rvrt: overlap=3; a multiple of 2 is accepted"),
        ({"chunk": 4, "overlap": 6}, "rvrt: overlap=6 is more than chunk=4"),
        ({"chunk": 2000}, "rvrt: 2000 frames at once; 1 to 1024 are accepted"),
        ({"tile": 128}, "rvrt: tile=128; a whole number of at least 256"),
        ({"cpu_cache": 1}, "rvrt: cpu_cache=1; True, False or None is accepted"),
        ({"model": "./absent.pth"}, "rvrt: absent.pth does not exist"),
        ({"model": "psrt-reds"}, "rvrt: psrt-reds is a checkpoint for psrt"),
    ],
)
def test_bad_input(small: dict[str, Path], arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.rvrt(**{"clip": clips.noise(), "model": small["denoise"], **arguments})
