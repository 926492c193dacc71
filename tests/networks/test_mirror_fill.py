from __future__ import annotations

import torch

from vsrestore.networks.mirror_fill import MirrorFill


def outside(height: int, width: int, top: int, bottom: int, left: int, right: int) -> torch.Tensor:
    mask = torch.ones(1, 1, height, width)
    mask[..., top : height - bottom, left : width - right] = 0
    return mask


def test_edges_go_on_as_in_a_mirror_and_grow_soft() -> None:
    torch.manual_seed(0)
    picture, mask = torch.rand(1, 3, 60, 80), outside(60, 80, 4, 0, 20, 6)
    filled = MirrorFill()(picture * (1 - mask), mask)
    assert torch.equal(filled[..., 4:, 20:74], picture[..., 4:, 20:74])
    near, far = filled[..., 4:, 19] - picture[..., 4:, 20], filled[..., 4:, 0]
    assert near.abs().mean() < 0.15  # a random pixel of another place is off by a third
    assert far.std() < 0.3 * picture.std()
    assert filled.min() >= 0
    assert filled.max() <= 1


def test_a_plain_picture_stays_plain_however_far_it_grows() -> None:
    mask = outside(40, 90, 15, 20, 43, 44)
    torch.testing.assert_close(MirrorFill()(torch.full((1, 3, 40, 90), 0.25), mask), torch.full((1, 3, 40, 90), 0.25))


def test_each_picture_has_its_own_edges_and_one_without_any_stays() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(3, 3, 16, 24)
    masks = torch.cat((outside(16, 24, 2, 2, 2, 2), torch.ones(1, 1, 16, 24), torch.zeros(1, 1, 16, 24)))
    filled = MirrorFill()(pictures, masks)
    torch.testing.assert_close(filled[:1], MirrorFill()(pictures[:1], masks[:1]))
    assert torch.equal(filled[1:], pictures[1:])
