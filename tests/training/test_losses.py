"""The losses against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from vsrestore.checkpoints import CheckpointError
from vsrestore.training.feature_loss import FeatureLoss, load_feature_loss
from vsrestore.training.losses import Criterion, charbonnier, chroma_error, log_error, temporal_error
from vsrestore.training.recipe import LossRecipe


def test_it_is_the_mean_logarithm_over_frames():
    target = torch.zeros(1, 2, 3, 4, 4)
    restored = torch.stack((torch.full((3, 4, 4), 0.1), torch.full((3, 4, 4), 0.3)))[None]
    expected = (math.log(0.01 + 1e-3) + math.log(0.09 + 1e-3)) / 2
    assert float(log_error(restored, target, 1e-3)) == pytest.approx(expected, rel=1e-5)


def test_a_high_floor_lets_clean_frames_count_little():
    def pull(error: float, floor: float) -> float:
        restored = torch.full((1, 1, 3, 4, 4), error, requires_grad=True)
        log_error(restored, torch.zeros(1, 1, 3, 4, 4), floor).backward()
        return float(restored.grad.abs().sum())

    assert pull(0.005, 1e-3) < pull(0.1, 1e-3)
    assert pull(0.005, 1e-5) > 5 * pull(0.1, 1e-5)


def frames(*values):
    """One sample of gray frames, each of one value."""
    return torch.stack([torch.full((3, 4, 4), value) for value in values])[None]


def test_charbonnier_is_a_rounded_absolute_error():
    expected = (math.hypot(0.3, 0.4) + math.hypot(0.0, 0.4)) / 2
    assert float(charbonnier(frames(0.5, 0.2), frames(0.2, 0.2), 0.4)) == pytest.approx(expected)


def test_temporal_error_counts_only_what_changes():
    """Errors 0.1, 0.1, -0.2 change by 0 and 0.3."""
    assert float(temporal_error(frames(0.3, 0.5, 0.3), frames(0.2, 0.4, 0.5))) == pytest.approx(0.15)
    assert float(temporal_error(frames(0.3, 0.5, 0.7), frames(0.2, 0.4, 0.6))) == pytest.approx(0, abs=1e-7)


def test_chroma_error_sees_no_luma():
    """Red 0.1 too high moves U by 0 - 0.0299 over 1.772 and V by 0.1 - 0.0299 over 1.402."""
    red, gray = torch.zeros(1, 1, 3, 4, 4), torch.full((1, 1, 3, 4, 4), 0.2)
    red[:, :, 0] = 0.1
    expected = math.log(((0.0299 / 1.772) ** 2 + (0.0701 / 1.402) ** 2) / 2 + 1e-3)
    assert float(chroma_error(red, torch.zeros_like(red), 1e-3)) == pytest.approx(expected, rel=1e-5)
    assert float(chroma_error(gray, torch.zeros_like(gray), 1e-3)) == pytest.approx(math.log(1e-3))


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("l1", (0.1 + 0.1 + 0.2 + 0.4) / 4),
        ("mse", (0.01 + 0.01 + 0.04 + 0.16) / 4),
        ("charbonnier", sum(math.hypot(d, 0.05) for d in (0.1, 0.1, 0.2, 0.4)) / 4),
        ("log", sum(math.log(d * d + 0.01) for d in (0.1, 0.1, 0.2, 0.4)) / 4),
        ("temporal", (0 + 0.3) / 2),  # the fourth frame does not follow the third
    ],
)
def test_every_term_of_the_mixture_is_what_the_hand_gives(term, expected):
    restored, target = frames(0.3, 0.5, 0.3, 0.4), frames(0.2, 0.4, 0.5, 0.8)
    weights = {"log": 0.0, term: 2.5}
    criterion = Criterion(LossRecipe(epsilon=0.05, **weights))
    assert criterion.names == (term,)
    assert float(criterion(restored, target, 0.01, 3)[term]) == pytest.approx(2.5 * expected, rel=1e-5)


def test_the_mixture_has_every_term_once_and_the_default_is_the_logarithm():
    restored, target = torch.rand(2, 3, 3, 4, 4), torch.rand(2, 3, 3, 4, 4)
    assert list(Criterion(LossRecipe())(restored, target, 1e-3, 3)) == ["log"]
    mixed = Criterion(LossRecipe(log=0.5, l1=1, temporal=3))
    assert tuple(mixed(restored, target, 1e-3, 3)) == mixed.names == ("log", "l1", "temporal")


class Known(FeatureLoss):
    """A feature loss without a VGG, whose parts are known."""

    def __init__(self):
        torch.nn.Module.__init__(self)
        self.mse = 0.0

    def parts(self, restored, target):
        assert restored.ndim == 4
        return {name: (restored - target).abs().mean() for name in self.names}


def test_the_parts_of_the_feature_loss_are_weighted_as_one():
    criterion = Criterion(LossRecipe(log=0.0, feature=2.0), Known())
    terms = criterion(frames(0.3, 0.5), frames(0.2, 0.4), 1e-3, 2)
    assert tuple(terms) == criterion.names == ("pixel", *(f"{kind}_{i}" for kind in ("feat", "gram") for i in range(3)))
    assert [float(term) for term in terms.values()] == pytest.approx([0.2] * 7)
    with pytest.raises(ValueError, match="VGG-16"):
        Criterion(LossRecipe(feature=1.0))


def test_vgg_that_is_not_here_is_told_with_the_command_that_fetches_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(CheckpointError, match="vsrestore weights fetch vgg16"):
        load_feature_loss("vgg16")
