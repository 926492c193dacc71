"""What the benchmarks of DiffBIR reckon and measure with."""

from __future__ import annotations

import pytest
import torch
from torch import nn


def test_memory_counts_what_is_alive_and_no_weights(part):
    memory = part("live_memory")
    with torch.device("meta"):
        convolution, linear, x = nn.Conv2d(4, 8, 3, padding=1), nn.Linear(5, 5), torch.empty(1, 4, 10, 10)
    one = 8 * 10 * 10 * 4
    with memory.metered() as meter:
        y = convolution(x)
        z = y * 2
        del y
        z.add_(1)
        again = z + 1
        linear(torch.empty(3, 5, device="meta"))
    assert again.shape == (1, 8, 10, 10)
    assert 2 * one <= meter.most <= 2 * one + 3 * 5 * 4 * 2


def test_a_step_of_ours_is_that_of_diffusers(part):
    benchmark = part("diffusion")
    report = benchmark.step(1, lambda run: run() is None or 1.0, benchmark.SMALL, 8)
    assert [row[1] for row in report.rows] == ["diffusers", "ours"]
    assert all(requirement.met for requirement in report.requirements)


def test_parts_that_rest_save_memory(part, monkeypatch):
    small, benchmark = part("diffusion"), part("diffusion_memory")
    monkeypatch.setattr(benchmark, "PUBLISHED", {**small.SMALL, "context": 1024})
    monkeypatch.setattr(benchmark, "PUBLISHED_VAE", small.SMALL_VAE)
    needs = benchmark.needed(64, 128, None)
    assert needs["published"] > needs["default"] > needs["default, VAE in bfloat16"]
    assert needs["default"] > needs["offload"]


def test_autocast_has_norms_in_float32_and_the_rest_in_half_precision(part):
    memory = part("live_memory")
    with memory.autocast_card(torch.float16), torch.no_grad():
        convolution, norm, x = nn.Conv2d(8, 8, 1), nn.GroupNorm(2, 8), torch.empty(1, 8, 16, 16)
        with memory.metered() as meter:
            made = convolution(x)
            normed = norm(made)
    assert (made.dtype, normed.dtype) == (torch.float16, torch.float32)
    values = 8 * 16 * 16
    assert values * (2 + 4 + 4) <= meter.most < values * (2 + 4 + 4) + 2000  # the result, it in float32, normed
    assert not torch.is_autocast_enabled("cuda")


@pytest.mark.slow
def test_every_way_of_holding_still_is_measured(part, monkeypatch):
    benchmark = part("diffusion_steady")
    monkeypatch.setattr(benchmark, "RADII", (1,))
    monkeypatch.setattr(benchmark, "STEPS", 2)
    truth = torch.rand(1, 3, 64, 72, generator=torch.Generator().manual_seed(1)).repeat(2, 1, 1, 1)
    with torch.inference_mode():
        rows = {
            row[0]: row[1:]
            for row in benchmark.measured(truth, benchmark.pictures_of(benchmark.small_network(), truth))
        }
    assert rows["stage 1"] == (0.0, 0.0, 0.0)
    assert rows[benchmark.SAME][:2] == (0.0, 0.0)  # nothing moves, so nothing differs
    assert rows[benchmark.EACH][0] > 1
    assert rows[f"{benchmark.EACH}, averaged over 3"][0] < rows[benchmark.EACH][0]
