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
    scores, vectors = clip_scores.score(clip, frames)
    pictures = clip_scores.prepared(frames).mean((2, 3))
    np.testing.assert_allclose(scores, pictures[:, 0] / pictures.norm(dim=1), atol=1e-5)
    assert scores[0] > 0 > scores[1]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_many_frames_are_looked_at_in_parts():
    model = Means()
    clip_scores.score(Clip(model, tokenize), torch.rand(clip_scores.BATCH + 1, 3, 32, 32))
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


def test_the_published_model_is_asked_for(monkeypatch):
    package, asked = ModuleType("open_clip"), []
    package.create_model = lambda name, **settings: asked.append((name, settings)) or Means()
    package.get_tokenizer = lambda name: tokenize
    monkeypatch.setitem(sys.modules, "open_clip", package)
    clip = clip_scores.load_clip()
    assert not clip.model.training
    assert asked == [("RN50x4", {"pretrained": "openai", "device": "cpu", "force_quick_gelu": True})]


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(networks.NetworkError, match="pip install open_clip_torch"):
        clip_scores.load_clip()
