"""TAPE as a filter: what its network gives alone, window by window, guided by frames that are named or measured."""

from __future__ import annotations

import random
import sys
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
from vsrestore.filters import references as reference_choice
from vsrestore.filters import tape_reference
from vsrestore.networks import clip_scores, tape_faults
from vsrestore.networks.absent_frames import BLACK
from vsrestore.networks.reference_selection import select_references
from vsrestore.networks.tape_reference import TapeReference

LENGTH = 7
Rows = list[list[int]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return seeded.checkpoint(tmp_path / "small.safetensors", "tape_reference", **seeded.TAPE_REFERENCE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where first passes are kept."""
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path / "user"))
    return tmp_path / "user" / "first-pass"


def windows(first: int, end: int) -> Rows:
    """The windows of a shot, black beyond its ends."""
    return [[n if first <= n < end else BLACK for n in range(c - 2, c + 3)] for c in range(first, end)]


def direct(path: Path, frames: np.ndarray, rows: Rows, references: Rows) -> np.ndarray:
    """What the network gives for windows, on frames whose size it takes as it is."""
    with torch.inference_mode():
        network = networks.load(read(path))
        given = network(torch.from_numpy(frames)[None], torch.tensor(rows), torch.tensor(references))
    return given[0].clamp(0, 1).numpy()


def restored(frames: np.ndarray, path: Path, references: object, **settings: object) -> np.ndarray:
    clip = seeded.as_clip(frames, settings.pop("cuts", ()))
    return seeded.as_frames(vsrestore.tape_reference(clip, references, model=path, device="cpu", **settings))


def test_a_recorded_frame_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a black frame in its window; the network's own tests take more, which cost seconds each."""
    monkeypatch.setattr(tape_reference, "CHUNK", 1)
    record = records.read("tape-pipeline")
    torch.save(record.tensors, tmp_path / "tape.pth")
    source, named = seeded.as_clip(record.frames()[0].numpy()), record.inputs["in_ref_index"]
    clip = vsrestore.tape_reference(source, named, model=tmp_path / "tape.pth", device="cpu")
    found = np.stack(clips.samples(clip.get_frame(1)))
    np.testing.assert_allclose(found, record.outputs["out_frames"][1], atol=1e-5)


def test_any_order_gives_what_the_network_gives(path: Path) -> None:
    frames = seeded.noise(LENGTH, 64, 80)
    named = [[(n + step) % LENGTH for step in (0, 3, 3, 3, 5)] for n in range(LENGTH)]
    order = random.Random(2).sample(range(LENGTH), LENGTH)
    clip = vsrestore.tape_reference(seeded.as_clip(frames), named, model=path, device="cpu")
    expected = direct(path, frames, windows(0, LENGTH), named)
    np.testing.assert_allclose(seeded.as_frames(clip, order), expected, atol=1e-5)


def test_beyond_a_cut_frames_are_black_and_references_reach_over_it(path: Path) -> None:
    frames, named = seeded.noise(LENGTH, 64, 64), [6, 0, 5, 0, 1]
    expected = direct(path, frames, [*windows(0, 4), *windows(4, LENGTH)], [named] * LENGTH)
    np.testing.assert_allclose(restored(frames, path, named, cuts=(4,)), expected, atol=1e-5)


def test_odd_frames_are_padded_with_black(path: Path) -> None:
    frames = seeded.noise(3, 37, 83)
    whole = np.zeros((3, 3, 64, 96), np.float32)
    whole[:, :, :37, :83] = frames
    expected = direct(path, whole, windows(0, 3), [[1] * 5] * 3)[:, :, :37, :83]
    np.testing.assert_allclose(restored(frames, path, [1]), expected, atol=1e-5)


def test_features_of_a_reference_are_computed_once_for_a_chunk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    features = TapeReference.reference_features

    def counted(network: TapeReference, frames: torch.Tensor) -> object:
        asked.append(len(frames))
        return features(network, frames)

    monkeypatch.setattr(TapeReference, "reference_features", counted)
    restored(seeded.noise(8, 64, 64), path, [6, 3])
    assert len(asked) == 2 * 2


def spoilt(length: int) -> tuple[np.ndarray, list[int]]:
    """A quiet pan, and noise over some of its frames; and which those are."""
    y, x = np.mgrid[:64, :96]
    frames = np.stack([[0.5 + 0.3 * np.sin((x + n) / 9 + c) * np.cos(y / 11) for c in range(3)] for n in range(length)])
    worst = [1, 2, 5]
    frames[worst] += np.random.default_rng(3).normal(0, 0.1, (len(worst), 3, 64, 96))
    return frames.clip(0, 1).astype(np.float32), worst


@pytest.mark.parametrize("selection", ["intended", "published"])
def test_sharpest_takes_frames_without_faults(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, selection: str
) -> None:
    frames, worst = spoilt(LENGTH)
    scores, vectors = zip(*(tape_faults.measure(frame) for frame in frames), strict=True)
    table = select_references(np.array(scores, np.float32), np.array(vectors, np.float32), 5, selection).tolist()
    assert {n for row in table for n in row}.isdisjoint(worst) == (selection == "intended")
    expected = direct(path, frames, windows(0, LENGTH), table)
    np.testing.assert_allclose(restored(frames, path, "sharpest", selection=selection), expected, atol=1e-5)
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(tape_faults, "measure", None)  # the second time nothing is measured
    vsrestore.tape_reference(seeded.as_clip(frames), "sharpest", selection=selection, model=path, device="cpu")


class Greyness:
    """Stands in for CLIP: a picture is its mean, the words for artefacts are white."""

    def encode_image(self, pictures: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(pictures.mean((2, 3)), (0, reference_choice.CLIP_LENGTH - 3))

    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.eye(reference_choice.CLIP_LENGTH)[:1].expand(len(tokens), -1)


def test_clip_chooses_by_its_scores(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def load(weights: Path, device: torch.device) -> clip_scores.Clip:
        given.append((weights, device))
        return clip_scores.Clip(Greyness(), lambda texts: torch.zeros(len(texts), 77))

    monkeypatch.setattr(clip_scores, "load_clip", load)
    monkeypatch.setattr(reference_choice, "find", Path)
    colours = np.linspace(0, 1, 9, dtype=np.float32)
    frames = np.stack([np.full((3, 64, 64), 0.3, np.float32)] * 9)
    frames[:, 0] = colours[:, None, None]  # the redder, the worse
    model = clip_scores.Clip(Greyness(), lambda texts: torch.zeros(len(texts), 77))
    values = clip_scores.score(model, torch.from_numpy(frames), clip_scores.embedded(model))
    table = select_references(*values, 5).tolist()
    assert max(max(table)) < 5
    expected = direct(path, frames, windows(0, 9), table)
    np.testing.assert_allclose(restored(frames, path, "clip"), expected, atol=1e-5)
    assert given == [(Path("clip-rn50x4"), torch.device("cpu"))]


def test_what_clip_needs_is_told(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = seeded.as_clip(seeded.noise(3, 64, 64))
    with pytest.raises(vs.Error, match=r"tape_reference: .*vsrestore weights fetch clip-rn50x4"):
        vsrestore.tape_reference(clip, model=path, device="cpu")
    monkeypatch.setattr(reference_choice, "find", lambda name: tmp_path / "RN50x4.pt")
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(vs.Error, match=r"tape_reference: .*pip install open_clip_torch"):
        vsrestore.tape_reference(clip, model=path, device="cpu")


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("references", ["sharpest", [0], {0: [0]}])
def test_short_clips(path: Path, length: int, references: object) -> None:
    frames = seeded.noise(length, 64, 64)
    assert restored(frames, path, references).shape == frames.shape


@pytest.mark.parametrize(
    ("references", "settings", "message"),
    [
        ("blurriest", {}, "references='blurriest'; accepted: 'clip', 'sharpest', a list"),
        ("sharpest", {"selection": "wrong"}, "selection='wrong'; accepted: 'intended', 'published'"),
        ("sharpest", {"device": "abacus"}, "unknown device"),
        ("sharpest", {"precision": "int8"}, "precision='int8'"),
        ([7], {}, "references name frame 7; the clip has the frames 0 to 6"),
        ([3, -1], {}, "references name frame -1"),
        ([], {}, "holds 0 frames; from 1 to 5 are accepted"),
        ({0: [1], 4: []}, {}, "holds 0 frames"),
        ([1, 2, 3, 4, 5, 6], {}, "holds 6 frames; from 1 to 5"),
        ([[1], [2]], {}, "references hold 2 lists, but the clip has 7 frames"),
        ({3: [1]}, {}, "the mapping needs the key 0"),
        (None, {}, "references=None; accepted:"),
        (3, {}, "references=3; accepted:"),
        ([0.5], {}, r"references=\[0.5\]; accepted:"),
        ([[0]] * 6 + ["a"], {}, "accepted:"),
    ],
)
def test_what_does_not_fit_is_refused(path: Path, references: object, settings: dict, message: str) -> None:
    clip = clips.noise(vs.YUV420P8, 64, 64, LENGTH)
    with pytest.raises(vs.Error, match=f"tape_reference: .*{message}"):
        vsrestore.tape_reference(clip, references, **{"model": path, "device": "cpu", **settings})


def test_tiny_frames_and_other_checkpoints_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(vs.Error, match="the clip is 24x12; this network needs at least 16 pixels"):
        vsrestore.tape_reference(clips.noise(vs.GRAY8, 24, 12), [0], model=path)
    other = seeded.checkpoint(tmp_path / "other.safetensors", "edvr", **seeded.EDVR)
    with pytest.raises(vs.Error, match=r"tape_reference: .*it is one of edvr"):
        vsrestore.tape_reference(clips.noise(), [0], model=other)
    with pytest.raises(vs.Error, match=r"tape_reference: .*tape-base"):
        vsrestore.tape_reference(clips.noise(), [0])


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ([0, 2], [[0, 2, 0, 0, 0]] * 3),
        (np.array([1, 2, 0, 0, 1]), [[1, 2, 0, 0, 1]] * 3),
        ([[1], (2, 0), np.array([0])], [[1] * 5, [2, 0, 2, 2, 2], [0] * 5]),
        ({2: range(2), 0: [1]}, [[1] * 5, [1] * 5, [0, 1, 0, 0, 0]]),
    ],
)
def test_the_ways_of_naming_frames(references: object, expected: Rows) -> None:
    assert reference_choice.reference_table("toy", clips.noise(length=3), references, 5, "intended", None) == expected
