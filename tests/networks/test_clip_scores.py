import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from vsrestore import networks
from vsrestore.networks import clip_scores
from vsrestore.networks.clip_scores import PROMPTS, SIDE, Clip


class Means(torch.nn.Module):
    """A stand-in for CLIP: pictures become the means of their channels, texts a direction that is red."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def encode_image(self, pictures):
        self.batches.append(pictures)
        return pictures.mean((2, 3))

    def encode_text(self, tokens):
        return torch.tensor([[2.0, 0.0, 0.0]]).expand(len(tokens), 3)


def tokenize(texts):
    return torch.zeros(len(texts), 77, dtype=torch.int64)


def test_prompts_are_those_of_the_published_network():
    assert len(PROMPTS) == len(set(PROMPTS)) == 12
    for prompt in (
        "an image of a noisy photo",
        "a jpeg corrupted image of a photo",
        "a blurry photo",
        "an image with color artifacts along rows",
        "a photo with distortions",
    ):
        assert prompt in PROMPTS


def test_frames_that_look_like_the_words_score_high():
    colours = torch.eye(3)[[0, 1, 0]]
    frames = colours[:, :, None, None].expand(3, 3, 40, 60)
    clip = Clip(Means(), tokenize)
    scores, vectors = clip_scores.score(clip, frames, clip_scores.embedded(clip))
    pictures = clip_scores.prepared(frames).mean((2, 3))
    np.testing.assert_allclose(scores, pictures[:, 0] / pictures.norm(dim=1), atol=1e-5)
    assert scores[0] > 0 > scores[1]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_many_frames_are_looked_at_in_parts():
    clip = Clip(model := Means(), tokenize)
    clip_scores.score(clip, torch.rand(clip_scores.BATCH + 1, 3, 32, 32), clip_scores.embedded(clip))
    assert [len(batch) for batch in model.batches] == [clip_scores.BATCH, 1]


@pytest.mark.parametrize(("height", "width"), [(480, 640), (640, 480), (100, 334)])
def test_the_model_sees_the_middle(height, width):
    frames = torch.zeros(1, 3, height, width)
    frames[..., height // 2 - 8 : height // 2 + 8, width // 2 - 8 : width // 2 + 8] = 1
    seen = clip_scores.prepared(frames)
    assert seen.shape == (1, 3, SIDE, SIDE)
    bright = seen[0, 1] > 0
    for axis in (0, 1):
        at = bright.any(axis).nonzero().flatten()
        assert abs(float(at[0] + at[-1] + 1 - SIDE)) <= 2
    assert seen[0, 0, 0, 0] == pytest.approx(-0.48145466 / 0.26862954)


class Program(torch.nn.Module):
    """Stands in for the published file: weights in half precision, and numbers beside them."""

    def __init__(self, length):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((length,), 0.5, dtype=torch.float16))
        self.register_buffer("context_length", torch.tensor(77))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


@pytest.fixture
def asked(monkeypatch):
    """What a stand-in for the package is asked for; its model has three weights."""
    package, calls = ModuleType("open_clip"), []

    def create_model(name, **settings):
        calls.append((name, settings))
        model = Means()
        model.weight = torch.nn.Parameter(torch.zeros(3))
        return model

    package.create_model, package.get_tokenizer = create_model, lambda name: tokenize
    monkeypatch.setitem(sys.modules, "open_clip", package)
    return calls


def test_the_published_weights_are_taken(asked, tmp_path):
    torch.jit.script(Program(3)).save(tmp_path / "RN50x4.pt")
    clip = clip_scores.load_clip(tmp_path / "RN50x4.pt")
    assert asked == [("RN50x4", {"force_quick_gelu": True})]
    assert not clip.model.training
    assert clip.model.weight.dtype == torch.float32
    assert clip.model.weight.tolist() == [0.5, 0.5, 0.5]


def test_another_file_is_refused(asked, tmp_path):
    torch.jit.script(Program(4)).save(tmp_path / "other.pt")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "weights.pt")
    for name in ("other.pt", "weights.pt"):
        with pytest.raises(networks.NetworkError, match=f"{name} is not the published file of CLIP RN50x4"):
            clip_scores.load_clip(tmp_path / name)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(networks.NetworkError, match="pip install open_clip_torch"):
        clip_scores.load_clip("RN50x4.pt")
