"""Tiles cover everything, and blend without a seam."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from tests import clips
from tests.runtime import networks as nets
from vsrestore.runtime.apply import apply
from vsrestore.runtime.descriptor import Options
from vsrestore.runtime.tiles import in_tiles, starts


@pytest.mark.parametrize(("length", "tile", "overlap", "multiple"), [(64, 32, 8, 4), (100, 40, 16, 4), (32, 40, 8, 8)])
def test_tiles_cover_the_axis(length: int, tile: int, overlap: int, multiple: int) -> None:
    begun = starts(length, tile, overlap, multiple)
    assert begun[0] == 0
    assert max(begun[-1] + tile, length) == max(length, tile)
    assert all(b % multiple == 0 for b in begun)
    assert all(first + tile - second >= overlap for first, second in pairwise(begun))


def test_a_local_network_gives_the_same_picture_in_tiles() -> None:
    frames = torch.rand(2, 3, 64, 96)
    torch.testing.assert_close(in_tiles(frames, lambda t: t * 0.5 + 0.1, 32, 8, 4, 1), frames * 0.5 + 0.1)
    doubled = in_tiles(frames, nets.Enlarge(), 32, 8, 4, 2)
    torch.testing.assert_close(doubled, nets.Enlarge()(frames))


def test_edges_of_tiles_weigh_less_than_their_middle() -> None:
    number = iter(range(10))
    result = in_tiles(torch.zeros(1, 1, 32, 48), lambda t: t + next(number), 32, 16, 16, 1)
    middle = result[0, 0, 16]
    assert middle[0] == 0
    assert middle[-1] == 1
    assert torch.all(middle.diff() >= 0)
    assert 0 < middle[24] < 1


def test_tiles_in_a_filter() -> None:
    source = clips.noise(width=70, height=50, length=2)
    descriptor = nets.IMAGE.changed(multiple=4, tile_overlap=8)
    clip = apply(source, descriptor, nets.Identity, Options(device="cpu", tile=32))
    for mine, theirs in zip(clips.samples(clip.get_frame(1)), clips.samples(source.get_frame(1)), strict=True):
        assert abs(mine - theirs).max() < 1e-6
