"""The film filter with the weights that are shipped: what it removes, what it leaves, what it refuses."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs
from safetensors.torch import save_file
from skimage import data
from torch import nn

import vsrestore
from tests import clips
from tests.filters.marked import cue_marked, scratched, stained
from tests.filters.seeded import psnr
from vsrestore.damage.film import PRESETS, damage_film
from vsrestore.networks.scratch_repair import ScratchRepair
from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.networks.trajectories import Trajectories

LENGTH, HEIGHT, WIDTH = 7, 128, 160


def panned(gray: bool = False, top: int = 40, height: int = HEIGHT, length: int = LENGTH) -> np.ndarray:
    """(T, H, W, 3): a photograph that moves by 3 pixels to the right and 1 down from frame to frame."""
    photo = data.astronaut().reshape(256, 2, 256, 2, 3).mean((1, 3), dtype=np.float32) / 255
    if gray:
        photo = np.repeat(photo.mean(-1, keepdims=True), 3, axis=-1)
    return np.stack([photo[top + n : top + n + height, 20 + 3 * n : 20 + 3 * n + WIDTH] for n in range(length)])


def as_clip(frames: np.ndarray) -> vs.VideoNode:
    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.asarray(frame[plane])[:] = frames[n, :, :, plane]
        return frame

    height, width = frames.shape[1:3]
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=len(frames))
    return blank.std.ModifyFrame(clips=blank, selector=paint)


def as_frames(clip: vs.VideoNode) -> np.ndarray:
    return np.stack([np.stack(clips.samples(frame), -1) for frame in clip.frames(close=True)])


@pytest.mark.parametrize(("preset", "gain"), [("film-light", 2.0), ("film-heavy", 3.0)])
def test_damage_is_repaired(preset: str, gain: float) -> None:
    done = damage_film(panned(), 0, 5, PRESETS[preset])
    restored = as_frames(vsrestore.film(as_clip(done.damaged), device="cpu"))
    assert psnr(restored, done.clean) > psnr(done.damaged, done.clean) + gain


def test_a_speck_goes_and_a_moving_ball_stays() -> None:
    frames = panned(gray=True)
    ball, speck = frames.copy(), (slice(60, 64), slice(100, 105))
    for n in range(LENGTH):
        ball[n, 30:50, 8 + 10 * n : 28 + 10 * n] = 0.95
    with_speck = ball.copy()
    with_speck[3][speck] = 0.9
    restored = as_frames(vsrestore.film(as_clip(with_speck), grain=0, device="cpu"))
    where = (slice(30, 50), slice(38, 58))
    assert (
        np.abs(restored[3][speck] - ball[3][speck]).mean() < 0.2 * np.abs(with_speck[3][speck] - ball[3][speck]).mean()
    )
    assert np.abs(restored[3][where] - ball[3][where]).mean() < 0.05


def test_a_ball_that_flies_by_twice_its_size_stays_and_specks_go() -> None:
    frames = panned(gray=True)
    ball, place = frames.copy(), (slice(30, 42), slice(52, 64))
    for n in range(6):
        ball[n, 30:42, 4 + 24 * n : 16 + 24 * n] = 0.95
    with_speck, speck = ball.copy(), (slice(80, 85), slice(100, 105))
    with_speck[2][speck] = 0.95
    restored = as_frames(vsrestore.film(as_clip(with_speck), grain=0, device="cpu"))
    np.testing.assert_allclose(restored[2][place], ball[2][place], atol=1e-6)
    assert np.abs(restored[2][speck] - frames[2][speck]).mean() < 0.05


@pytest.mark.parametrize("requests", [1, 8])
def test_linear_decoding_computes_nothing_twice(monkeypatch: pytest.MonkeyPatch, requests: int) -> None:
    computed: Counter[str] = Counter()

    def counted(kind: type[nn.Module]) -> None:
        forward = kind.forward

        def count(self: nn.Module, frames: torch.Tensor, windows: torch.Tensor, **named: object) -> torch.Tensor:
            computed[kind.__name__] += len(windows)
            return forward(self, frames, windows, **named)

        monkeypatch.setattr(kind, "forward", count)

    for kind in (ScratchRepair, TemporalUNet, Trajectories):
        counted(kind)
    clip = vsrestore.film(clips.noise(vs.RGBS, 64, 64, 40), grain=0, device="cpu", scratches=True)
    assert len(list(clip.frames(prefetch=requests, backlog=requests, close=True))) == 40
    assert computed == {"ScratchRepair": 40, "TemporalUNet": 40, "Trajectories": 40}


def test_scratches_go_first_unless_they_are_to_stay() -> None:
    clean = panned(top=0, height=240)
    source = as_clip(scratched(clean))
    gone, left = (as_frames(vsrestore.film(source, grain=0, device="cpu", scratches=first)) for first in (True, False))
    assert psnr(gone, clean) > psnr(left, clean) + 3


def test_stains_are_taken_off_by_what_other_frames_have() -> None:
    clean = panned(length=10)
    seen = stained(clean)
    restored = as_frames(vsrestore.film(as_clip(seen), grain=0, device="cpu", stains=True))
    left = as_frames(vsrestore.film(as_clip(seen), grain=0, device="cpu"))
    assert psnr(restored, clean) > psnr(left, clean) + 1.5


def test_marks_are_filled_from_the_frames_around_them() -> None:
    clean = panned(length=10)
    seen = cue_marked(clean, 3, 4)
    restored = as_frames(vsrestore.film(as_clip(seen), grain=0, device="cpu", marks=True))
    assert psnr(restored[3:7], clean[3:7]) > psnr(seen[3:7], clean[3:7]) + 6
    left = np.abs(seen - clean).max(-1) == 0
    assert psnr(restored[left], clean[left]) > 50


def test_the_mask_shows_what_is_repaired() -> None:
    clean = panned()
    seen = clean.copy()
    seen[3, 60:66, 100:106] = 0.95
    mask = vsrestore.film_mask(as_clip(seen), device="cpu")
    assert (mask.format.id, mask.width, mask.height, mask.num_frames) == (vs.GRAY8, WIDTH, HEIGHT, LENGTH)
    marked = np.asarray(mask.get_frame(3)[0])
    assert set(np.unique(marked)) == {0, 255}
    assert (marked[60:66, 100:106] > 0).mean() > 0.9
    assert (marked > 0).mean() < 0.02
    assert (np.asarray(mask.get_frame(0)[0]) > 0).mean() < 0.002


def test_an_undamaged_clip_is_left_alone() -> None:
    frames = panned()
    assert psnr(as_frames(vsrestore.film(as_clip(frames), grain=0, device="cpu")), frames) > 40


def test_strength_of_grain_removal_is_linear() -> None:
    source = as_clip(damage_film(panned(), 0, 5, PRESETS["film-heavy"]).damaged)
    left, half, gone = (vsrestore.film(source, grain=grain, device="cpu").get_frame(3) for grain in (0, 0.5, 1))
    for a, b, c in zip(*(clips.samples(frame) for frame in (left, half, gone)), strict=True):
        inside = (a > 0) & (a < 1) & (c > 0) & (c < 1)
        np.testing.assert_allclose(b[inside], (a + c)[inside] / 2, atol=1e-5)


def test_nothing_comes_over_a_cut() -> None:
    one, other = as_clip(panned()), as_clip(1 - panned()[:, ::-1])
    cut = (one + other).std.ModifyFrame(
        clips=one + other, selector=lambda n, f: _with_prop(f, "_SceneChangePrev", int(n == LENGTH))
    )
    together, alone = vsrestore.film(cut, device="cpu"), vsrestore.film(other, device="cpu")
    for n in range(3):
        for mine, theirs in zip(
            clips.samples(together.get_frame(LENGTH + n)), clips.samples(alone.get_frame(n)), strict=True
        ):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)


def _with_prop(frame: vs.VideoFrame, key: str, value: int) -> vs.VideoFrame:
    copy = frame.copy()
    copy.props[key] = value
    return copy


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_the_same_picture(precision: str) -> None:
    source = as_clip(damage_film(panned(), 0, 5, PRESETS["film-light"]).damaged[:3])
    exact = as_frames(vsrestore.film(source, device="cpu"))
    assert psnr(as_frames(vsrestore.film(source, device="cpu", precision=precision)), exact) > 50


@pytest.mark.slow
def test_tiles_give_nearly_the_same_picture() -> None:
    frames = np.tile(panned()[:3], (1, 2, 2, 1))
    whole = as_frames(vsrestore.film(as_clip(frames), device="cpu"))
    assert psnr(as_frames(vsrestore.film(as_clip(frames), device="cpu", tile=160)), whole) > 45


class Malicious:
    def __reduce__(self) -> tuple:
        return print, ("code from a checkpoint",)


def shipped() -> Path:
    return Path(__file__).parents[2] / "weights" / "film.safetensors"


def truncated(path: Path) -> None:
    path.write_bytes(shipped().read_bytes()[:100_000])


def other_network(path: Path) -> None:
    save_file({"conv.weight": torch.zeros(3, 3, 3, 3)}, path)


def other_size(path: Path) -> None:
    state = TemporalUNet(radius=1, widths=(8, 8, 8), blocks=(1, 1, 1, 1, 1)).state_dict()
    del state["fuse.bias"]
    save_file(state, path)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("absent.safetensors", lambda path: None, "does not exist; give a checkpoint file"),
        ("film.safetensors", truncated, "truncated"),
        ("film.safetensors", other_network, "no checkpoint of temporal_unet"),
        ("film.safetensors", other_size, "fuse.bias"),
        ("film.pth", lambda path: path.write_bytes(pickle.dumps({"state": Malicious()})), "film.pth"),
        ("film.pth", lambda path: path.write_bytes(b""), "empty"),
        ("film.pth", lambda path: path.write_text("<html>Sign in</html>"), "film.pth"),
    ],
)
def test_unfit_weights_are_refused_at_evaluation(tmp_path: Path, name: str, write: object, message: str) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(vs.Error, match=rf"film: .*{message}"):
        vsrestore.film(clips.noise(), model=path)


def test_an_unknown_model_suggests_a_name() -> None:
    with pytest.raises(vs.Error, match=r"film: .*film"):
        vsrestore.film(clips.noise(), model="filn")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grain": 1.5}, "film: grain=1.5; a number from 0 to 1"),
        ({"grain": "all"}, "film: grain='all'; a number from 0 to 1"),
        ({"tile": 32}, "film: tile=32; a whole number of at least 128"),
        ({"device": "tpu"}, "film: unknown device 'tpu'"),
        ({"precision": "int8"}, "film: precision='int8'"),
    ],
)
def test_unfit_numbers(arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.film(clips.noise(), **arguments)


def test_an_unfit_threshold_of_the_mask() -> None:
    with pytest.raises(vs.Error, match=r"film_mask: threshold=2; a number from 0\.001 to 1"):
        vsrestore.film_mask(clips.noise(), threshold=2)
