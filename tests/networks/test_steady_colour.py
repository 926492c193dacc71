"""Colours along the motion: flicker goes, edges that move keep their colours, cuts and lone frames are respected."""

from __future__ import annotations

import pytest
import torch

from vsrestore.networks.steady_colour import SteadyColour

HEIGHT, WIDTH, LENGTH, STEP = 64, 96, 5, 3
WINDOW = torch.tensor([[0, 1, 2, 3, 4]])
LIKENESS = 0.025


def texture(seed):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, HEIGHT // 4, 2 * WIDTH // 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, scale_factor=4.0, mode="bilinear")[0]


@pytest.fixture
def scene():
    """A textured bluish ground on which a brighter reddish square moves by STEP pixels a frame: (1, T, 3, H, W)."""
    ground, square = texture(1)[..., :WIDTH] * 0.3 + 0.2, texture(2)[..., :32] * 0.3 + 0.6
    frames = torch.cat((ground, torch.full_like(ground, 0.55), torch.full_like(ground, 0.45)))
    frames = frames[None].repeat(LENGTH, 1, 1, 1)
    for n in range(LENGTH):
        left = 20 + STEP * n
        frames[n, 0, 16:48, left : left + 32] = square[0, 16:48]
        frames[n, 1, 16:48, left : left + 32] = 0.47
        frames[n, 2, 16:48, left : left + 32] = 0.56
    return frames[None]


def test_flicker_goes(scene):
    generator = torch.Generator().manual_seed(3)
    flicker = torch.randn(1, LENGTH, 2, 1, 1, generator=generator) * 0.015
    painted = scene.clone()
    painted[:, :, 1:] += flicker
    steady = SteadyColour(LIKENESS)(painted, WINDOW)
    average = flicker.mean(1)
    error = (steady[:, 0, 1:] - scene[:, 2, 1:] - average).abs()
    assert error.mean() < 0.25 * (flicker[:, 2] - average).abs().mean()


def test_a_frame_painted_otherwise_follows_the_others(scene):
    painted = scene.clone()
    painted[:, 2, 1:] += torch.tensor([0.08, -0.06]).view(2, 1, 1)
    steady = SteadyColour(LIKENESS)(painted, WINDOW)
    assert (steady[:, 0, 1:] - scene[:, 2, 1:]).abs().mean() < 0.01


def test_moving_edges_do_not_bleed(scene):
    """Every pixel but the few on the square's edge keeps its colour; nothing of the other colour trails behind."""
    error = (SteadyColour(LIKENESS)(scene, WINDOW)[:, 0, 1:] - scene[:, 2, 1:]).abs().amax(1)
    assert (error > 0.02).float().mean() < 0.01
    assert error.mean() < 0.001


def test_luma_is_that_of_the_centre(scene):
    assert torch.equal(SteadyColour(LIKENESS)(scene, WINDOW)[:, 0, 0], scene[:, 2, 0])


def test_frames_that_stand_in_beyond_a_cut_count_once(scene):
    painted = scene + torch.randn(scene.shape, generator=torch.Generator().manual_seed(4)) * 0.01
    network = SteadyColour(LIKENESS)
    found = network(painted, torch.tensor([[0, 0, 0, 1, 2], [0, 0, 1, 2, 3]]))
    assert torch.equal(found[:, 0], network(painted, torch.tensor([[2, 1, 0, 1, 2]]))[:, 0])
    assert torch.equal(found[:, 1], network(painted, torch.tensor([[3, 2, 1, 0, 0]]))[:, 0])


def test_a_lone_frame_stays_as_it_is(scene):
    assert torch.equal(SteadyColour(LIKENESS)(scene, torch.tensor([[1, 1, 1]])), scene[:, 1:2])


@pytest.mark.parametrize("size", [(32, 32), (80, 80), (544, 64)])
def test_any_size_of_render(size):
    frames = torch.rand(1, 3, 3, *size)
    assert SteadyColour(LIKENESS)(frames, torch.tensor([[0, 1, 2]])).shape == (1, 1, 3, *size)
