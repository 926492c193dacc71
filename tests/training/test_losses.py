"""The loss against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from vsrestore.training.losses import log_error


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
