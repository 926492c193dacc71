from __future__ import annotations

import pytest
import torch

from vsrestore.networks.layers.push_pull import push_pull
from vsrestore.networks.motion_fill import MotionFill

HEIGHT, WIDTH, LENGTH = 64, 96, 8


@pytest.fixture(scope="module")
def pan() -> torch.Tensor:
    """A soft random picture that a camera pans over, 4 pixels to the right and 1 down a frame: (1, T, 3, H, W)."""
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(1, 3, 12, 20, generator=generator)
    field = torch.nn.functional.interpolate(rough, (96, 160), mode="bicubic").clamp(0, 1)
    return torch.stack([field[0, :, n : n + HEIGHT, 4 * n : 4 * n + WIDTH] for n in range(LENGTH)])[None]


def holes(top: int, left: int, height: int, width: int) -> torch.Tensor:
    mask = torch.zeros(1, LENGTH, 1, HEIGHT, WIDTH)
    mask[..., top : top + height, left : left + width] = 1
    return mask


def error(found: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> float:
    return float((found - truth).abs()[mask.expand_as(truth) > 0].mean())


def test_a_hole_is_filled_from_frames_that_see_behind_it(pan: torch.Tensor) -> None:
    mask = holes(24, 40, 14, 12)
    filled = MotionFill()(pan * (1 - mask), mask)
    assert torch.equal(filled * (1 - mask), pan * (1 - mask))
    smooth = push_pull((pan * (1 - mask))[0], 1 - mask[0])[None]
    assert error(filled, pan, mask) < 0.4 * error(smooth, pan, mask)


def test_what_lies_in_the_holes_has_no_part(pan: torch.Tensor) -> None:
    mask = holes(24, 40, 14, 12)
    torch.testing.assert_close(MotionFill()(pan * (1 - mask), mask), MotionFill()(pan * (1 - mask) + mask, mask))


def test_what_no_frame_knows_is_filled_from_around(pan: torch.Tensor) -> None:
    still, mask = pan[:, :1].expand(-1, LENGTH, -1, -1, -1), holes(24, 40, 14, 12)
    filled = MotionFill()(still * (1 - mask), mask)
    assert error(filled, still, mask) < error(torch.full_like(still, float(still.mean())), still, mask)
    assert (filled[:, 1:] - filled[:, :-1]).abs().max() < 0.02  # and stands still


def test_a_single_frame_and_frames_without_holes(pan: torch.Tensor) -> None:
    mask = holes(24, 40, 14, 12)[:, :1]
    one = MotionFill()(pan[:, :1] * (1 - mask), mask)
    assert torch.isfinite(one).all()
    assert torch.equal(MotionFill()(pan, torch.zeros_like(pan[:, :, :1])), pan)


def test_a_frame_that_is_a_hole_throughout(pan: torch.Tensor) -> None:
    mask = torch.zeros(1, LENGTH, 1, HEIGHT, WIDTH)
    mask[:, 3] = 1
    filled = MotionFill()(pan * (1 - mask), mask)
    assert torch.isfinite(filled).all()
    assert torch.equal(filled[:, :3], pan[:, :3])


def test_push_pull_keeps_what_is_known_and_is_smooth() -> None:
    values = torch.linspace(0, 1, 37).expand(1, 1, 29, 37).clone()
    known = torch.ones(1, 1, 29, 37)
    known[..., 10:20, 12:22] = 0
    filled = push_pull(torch.where(known > 0, values, 7.0), known)
    assert torch.equal(filled[known > 0], values[known > 0])
    assert (filled - values).abs().max() < 0.15
    assert torch.equal(push_pull(values, torch.zeros_like(known)), torch.zeros_like(values))
