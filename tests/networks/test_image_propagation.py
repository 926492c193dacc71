"""The image propagation beyond its golden record: what other frames know fills a hole, and nothing else changes."""

from __future__ import annotations

import torch

from vsrestore.networks.image_propagation import ImagePropagation


def panned(length: int, speed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Frames that a camera pans over, whole ones and with a hole that stands still, and the true flow."""
    scene = torch.rand(3, 24, 40 + speed * length, generator=torch.Generator().manual_seed(1))
    frames = torch.stack([scene[..., speed * t : speed * t + 40] for t in range(length)])[None]
    holes = torch.zeros(1, length, 1, 24, 40)
    holes[..., 8:14, 15:22] = 1
    flow = torch.zeros(1, length, 4, 24, 40)
    flow[:, :, 0], flow[:, :, 2] = -speed, speed
    return frames, holes, flow


def test_a_pan_fills_a_hole_that_stands_still() -> None:
    frames, holes, flow = panned(6, 3)
    filled = ImagePropagation()(frames * (1 - holes) + 0.5 * holes, holes, flow)
    assert not filled[:, :, 3:].any()
    torch.testing.assert_close(filled[:, :, :3], 2 * frames - 1)


def test_frames_without_a_hole_and_known_pixels_stay() -> None:
    frames, holes, flow = panned(5, 2)
    holes[:, 2] = 0
    filled = ImagePropagation()(frames, holes, 0.3 * flow)
    known = (1 - holes).expand_as(frames) > 0
    assert torch.equal(filled[:, :, :3][known], (2 * frames - 1)[known])
    assert torch.equal(filled[:, 2, 3:], holes[:, 2])


def test_what_nothing_fills_stays_grey_and_a_hole() -> None:
    frames, holes, flow = panned(4, 0)
    filled = ImagePropagation()(frames, holes, flow, range(1, 3))
    assert filled.shape == (1, 2, 4, 24, 40)
    assert torch.equal(filled[:, :, 3:], holes[:, 1:3])
    assert not filled[:, :, :3][holes[:, 1:3].expand(-1, -1, 3, -1, -1) > 0].any()
