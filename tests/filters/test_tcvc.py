"""TCVC as a filter: the published picture, shots and chunks, references of every kind, parts in colour left alone."""

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
from tests.video.test_png import png
from vsrestore import networks
from vsrestore.checkpoints import entries, read
from vsrestore.filters import tcvc
from vsrestore.filters.checkpoint import recognised
from vsrestore.networks import tcvc_lab
from vsrestore.networks.tcvc import TCVC
from vsrestore.networks.tcvc_decoder import GuidedColourNet
from vsrestore.runtime.descriptor import Options

WIDTH, HEIGHT = 48, 32
SMALL = {"render_size": HEIGHT, "device": "cpu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded.tcvc_folder(tmp_path_factory.mktemp("tcvc"))


@pytest.fixture(autouse=True)
def first_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path / "user"))
    return tmp_path / "user" / "first-pass"


def eight_bits(frames: np.ndarray) -> vs.VideoNode:
    """A clip of pictures (T, H, W, 3) uint8."""
    return seeded.as_clip(frames.transpose(0, 3, 1, 2).astype(np.float32) / 255).resize.Point(format=vs.RGB24)


def off(found: vs.VideoNode, expected: torch.Tensor) -> np.ndarray:
    """How far pictures are from recorded ones (T, H, W, 3), which are cut off to 8 bits."""
    pictures = np.floor(255 * seeded.as_frames(found).transpose(0, 2, 3, 1) + 1e-3)
    return np.abs(pictures - expected.numpy())


@pytest.mark.slow
def test_the_pipeline_is_reproduced(tmp_path: Path) -> None:
    record = records.read("tcvc-pipeline")
    files = zip(("encoder", "decoder"), seeded.tcvc_files(record.tensors), strict=True)
    for part, tensors in files:
        torch.save(tensors, tmp_path / part)
    source, reference = eight_bits(record.inputs["in_gray"]), eight_bits(record.inputs["in_ref"][None])
    model = {"encoder": tmp_path / "encoder", "decoder": tmp_path / "decoder"}
    told = {"model": model, "render_size": record.config["network_size"][0], "device": "cpu"}
    wrong = off(vsrestore.tcvc(source, reference, format=vs.RGBS, **told), record.outputs["out_rgb"])
    # In frame 0 float32 does not tell which pixels of the reference are most alike: what it is off by on the way there,
    # 0.3 %, turns the choice, and processors with AVX2 alone choose otherwise.
    wrong = wrong[torch.backends.cpu.get_cpu_capability() == "AVX2" :]
    assert wrong.max() <= 2
    assert (wrong > 1).mean() < 1e-3


@pytest.mark.slow
def test_the_first_stage_is_reproduced(tmp_path: Path) -> None:
    record = records.read("tcvc-stage1")
    torch.save(record.tensors, tmp_path / "first.pth")
    found = recognised("tcvc", tmp_path / "first.pth", "tcvc_colour_net")
    seen = eight_bits(record.inputs["in_gray"][None]).resize.Point(format=vs.RGBS)
    size = tuple(record.config["network_size"][::-1])
    painted = tcvc.first_stage(seen, found, size, Options(device="cpu"))
    wrong = off(painted.resize.Point(format=vs.RGBS), record.outputs["out_rgb"][None])
    assert wrong.max() <= 1


def gray(length: int) -> np.ndarray:
    """Gray frames that differ, (T, 3, H, W)."""
    return seeded.noise(length, HEIGHT, WIDTH)[:, :1].repeat(3, axis=1)


def colours(seed: int = 0) -> np.ndarray:
    """A picture in colour, (3, H, W), of whole 8-bit steps; no two pixels are alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 200, (3, HEIGHT // 8, WIDTH // 8)).repeat(8, 1).repeat(8, 2)
    return ((coarse + rng.integers(0, 56, coarse.shape)) / 255).astype(np.float32)


def direct(folder: Path, frames: np.ndarray, keep: range, reference: np.ndarray) -> np.ndarray:
    """What the networks give for the frames ``keep`` of a sequence, as pictures (K, 3, H, W)."""
    files = [folder / entries()[entry].file for entry in tcvc.SECOND_STAGE.values()]
    lab = tcvc_lab.SmallLab((HEIGHT, WIDTH))
    with torch.inference_mode():
        encoder, decoder = (networks.load(read(file)) for file in files)
        network = TCVC(encoder, decoder.warper, decoder.decoder)
        found = network(lab(torch.from_numpy(frames))[None], lab(torch.from_numpy(reference)[None]), keep)
        return tcvc_lab.rgb_of(tcvc_lab.decoded(found[0])).numpy()


def restored(folder: Path, clip: vs.VideoNode, *reference: object, order: list[int] | None = None, **told: object):
    told = {"model": folder, "format": vs.RGBS, **SMALL, **told}
    return seeded.as_frames(vsrestore.tcvc(clip, *reference, **told), order)


def still(picture: np.ndarray) -> vs.VideoNode:
    return seeded.as_clip(picture[None])


def test_shots_are_walked_from_their_first_frame(folder: Path) -> None:
    """One of five frames, one of two, and a single frame; in any order of asking."""
    frames, cuts = gray(8), (5, 7)
    expected = [direct(folder, part, range(len(part)), colours()) for part in np.split(frames, cuts)]
    order = random.Random(4).sample(range(8), 8)
    found = restored(folder, seeded.as_clip(frames, cuts), still(colours()), order=order, chunk=9)
    np.testing.assert_allclose(found, np.concatenate(expected), atol=2e-3)


def test_a_long_shot_is_cut_into_chunks_that_remember(folder: Path) -> None:
    frames = gray(11)
    parts = [(0, 6, range(6)), (3, 11, range(3, 8))]
    expected = [direct(folder, frames[first:end], keep, colours()) for first, end, keep in parts]
    clip = seeded.as_clip(frames)
    found = restored(folder, clip, still(colours()), chunk=6, memory=3)
    np.testing.assert_allclose(found, np.concatenate(expected), atol=2e-3)
    assert np.abs(restored(folder, clip, still(colours()), chunk=6, memory=0)[6:] - found[6:]).max() > 1e-3


def test_groups_that_only_fill_the_memory_are_not_coloured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, forward = [], GuidedColourNet.forward
    monkeypatch.setattr(GuidedColourNet, "forward", lambda *given: calls.append(1) or forward(*given))
    restored(folder, seeded.as_clip(gray(12)), still(colours()), chunk=6, memory=6)
    assert len(calls) == 4


def test_a_picture_is_read_and_made_to_cover_the_frame(folder: Path, tmp_path: Path) -> None:
    picture, clip = colours(), seeded.as_clip(gray(2))
    wide = np.concatenate([np.zeros((3, HEIGHT, 8), np.float32), picture, np.ones((3, HEIGHT, 8), np.float32)], axis=2)
    file = png(tmp_path / "wide.png", np.round(255 * wide).astype(np.uint8).transpose(1, 2, 0))
    found = [restored(folder, clip, reference) for reference in (file, str(file), still(picture))]
    np.testing.assert_allclose(found[0], found[2], atol=5e-3)
    np.testing.assert_array_equal(found[0], found[1])


def test_a_long_reference_gives_each_shot_its_first_clear_frame(folder: Path, first_passes: Path) -> None:
    frames, cuts = gray(7), (4,)
    frames[0] *= 0.1  # a fade from black
    pictures = np.stack([colours(n) for n in range(7)])
    expected = [
        direct(folder, frames[:4], range(4), pictures[1]),
        direct(folder, frames[4:], range(3), pictures[4]),
    ]
    found = restored(folder, seeded.as_clip(frames, cuts), seeded.as_clip(pictures))
    np.testing.assert_allclose(found, np.concatenate(expected), atol=2e-3)
    assert len(list(first_passes.iterdir())) == 1


@pytest.mark.parametrize("painter", ["tcvc", pytest.param("ddcolor", marks=pytest.mark.slow)])
def test_the_clear_frame_is_painted_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, painter: str
) -> None:
    clip = seeded.as_clip(gray(4), cuts=(2,))
    if painter == "tcvc":
        first = recognised("tcvc", folder / "colornet_iter_340000.pth", "tcvc_colour_net")
        painted = tcvc.first_stage(clip, first, (WIDTH, HEIGHT), Options(device="cpu"))
    else:
        small = seeded.checkpoint(tmp_path / "ddcolor.safetensors", "ddcolor", **seeded.DDCOLOR)
        monkeypatch.setitem(
            tcvc.PAINTERS, "ddcolor", lambda clip, **told: vsrestore.ddcolor(clip, small, saturation=10, **told)
        )
        painted = vsrestore.ddcolor(clip, small, saturation=10, stabilize=0, format=vs.RGBS, device="cpu")
    expected = [restored(folder, clip[n : n + 2], painted[n]) for n in (0, 2)]
    np.testing.assert_allclose(restored(folder, clip, painter), np.concatenate(expected), atol=1e-4)


def test_shots_in_colour_stay_as_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, and without a call of the network; a frame without colour does not make a shot gray."""
    frames = gray(9)
    frames[3:6] = colours()
    frames[4] = frames[4, :1]
    calls, forward = [], TCVC.forward

    def counted(network: TCVC, frames: torch.Tensor, **told: object) -> torch.Tensor:
        calls.append(frames.shape[1])
        return forward(network, frames, **told)

    monkeypatch.setattr(TCVC, "forward", counted)
    clip = seeded.as_clip(frames, cuts=(3, 6)).resize.Bicubic(format=vs.YUV420P8, matrix=1)
    found = vsrestore.tcvc(clip, still(colours()), model=folder, only_gray=True, **SMALL)
    same = [clips.picture(found.get_frame(n)) == clips.picture(clip.get_frame(n)) for n in range(9)]
    assert same == [False] * 3 + [True] * 3 + [False] * 3
    assert sum(calls) == 6


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(folder: Path, precision: str) -> None:
    clip = seeded.as_clip(gray(3))
    exact, half = (restored(folder, clip, still(colours()), precision=p) for p in ("float32", precision))
    assert 30 < seeded.psnr(half, exact) < 100


@pytest.mark.parametrize("model", tcvc.PUBLISHED)
def test_every_name_asks_for_its_files(model: str, folder: Path) -> None:
    with pytest.raises(vs.Error, match=r"tcvc: the checkpoint tcvc-stage2-encoder is not here .* in a browser"):
        vsrestore.tcvc(clips.noise(vs.GRAY8), model=model)
    second = {part: folder / entries()[entry].file for part, entry in tcvc.SECOND_STAGE.items()}
    with pytest.raises(vs.Error, match=r"tcvc: the checkpoint tcvc-stage1-paper is not here .* in a browser"):
        vsrestore.tcvc(clips.noise(vs.GRAY8), model=second)


def refused(folder: Path, message: str, **told: object) -> None:
    with pytest.raises(vs.Error, match=f"tcvc: {message}"):
        vsrestore.tcvc(**{"clip": clips.noise(vs.GRAY8), "model": folder, **SMALL, **told})


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"render_size": 100}, "render_size=100; multiples of 8 are accepted"),
        ({"render_size": 24}, "render_size=24; a whole number of at least 32"),
        ({"render_size": (384, 210)}, r"render_size=\(384, 210\); multiples of 8"),
        ({"render_size": "large"}, "render_size='large'; a whole number of at least 32"),
        ({"chunk": 4}, "chunk=4; a multiple of 3 is accepted"),
        ({"memory": 5}, "memory=5; a multiple of 3 is accepted"),
        ({"memory": -3}, "memory=-3; a whole number of at least 0"),
        ({"saturation": 11}, "saturation=11; a number from 0 to 10"),
        ({"format": vs.GRAY8}, "format=Gray8 has no colour"),
        ({"precision": "int8"}, "precision='int8'"),
        ({"model": "best"}, "model='best'; accepted: 'paper', 'challenge', a folder that holds"),
        ({"model": {"third": "a.pth"}}, "model names the part 'third'; its parts are 'first', 'encoder', 'decoder'"),
        ({"reference": None}, "reference is NoneType; accepted: 'tcvc', 'ddcolor', 'deoldify', the path of a PNG"),
        ({"reference": "dcolor"}, "reference='dcolor'; accepted: 'tcvc', 'ddcolor', 'deoldify', the path of a PNG"),
        ({"reference": "absent.png"}, "reference='absent.png' cannot be read"),
        ({"reference": clips.noise(vs.GRAY8, length=1)}, "reference is Gray8, which has no colour"),
        ({"reference": seeded.as_clip(gray(1))}, "reference has no colour; a picture or clip in colour is accepted"),
        ({"reference": clips.noise(vs.RGB24, length=3)}, "reference has 3 frames but the clip has 7; one frame"),
    ],
)
def test_bad_input(folder: Path, told: dict, message: str) -> None:
    refused(folder, message, **told)


def test_parts_that_do_not_belong_together(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(
        folder, ".*it is one of tcvc_decoder", model={"encoder": folder / "checkpoint_decoder_finetune02010000.pth"}
    )
    other = {**seeded.TCVC, "tcvc_decoder": {**seeded.TCVC["tcvc_decoder"], "hidden": 8}}
    monkeypatch.setattr(seeded, "TCVC", other)
    refused(folder, ".* are parts of networks of different sizes", model=seeded.tcvc_folder(tmp_path))
