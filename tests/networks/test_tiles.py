"""Tiles cover everything, and blend without a seam."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from tests import clips
from tests.runtime import networks as nets
from vsrestore.networks.inputs import Inputs
from vsrestore.networks.tiles import Tiling, in_tiles
from vsrestore.networks.traits import Traits
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Options


@pytest.mark.parametrize(
    ("length", "tile", "overlap", "grid"),
    [(64, 32, 8, 4), (100, 40, 16, 4), (32, 40, 8, 8), (1080, 512, 64, 8), (1920, 512, 64, 32), (60, 24, 8, 8)],
)
def test_tiles_cover_the_axis(length: int, tile: int, overlap: int, grid: int) -> None:
    tiles = Tiling(tile, overlap, grid, 1).along(length)
    assert (tiles[0].start, tiles[-1].stop) == (0, length)
    assert all(part.start % grid == 0 and part.stop - part.start <= tile for part in tiles)
    assert all(first.stop - second.start >= overlap for first, second in pairwise(tiles))


def test_tiles_of_512_compute_a_frame_of_1080_lines_once_and_a_third() -> None:
    tiling = Tiling(512, 64, 8, 1)
    pixels = sum(map(_length, tiling.along(1080))) * sum(map(_length, tiling.along(1920)))
    assert pixels <= 1.33 * 1920 * 1080


def test_tiles_begin_on_the_grid_of_the_network() -> None:
    tiling = Tiling.of(Traits(multiple=4, tile_grid=32, tile_overlap=20), 100)
    assert tiling.longest == 128
    assert all(tile.start % 32 == 0 for tile in tiling.along(300))


def _length(tile: slice) -> int:
    return tile.stop - tile.start


def run(frames: torch.Tensor, network: object, tile: int, overlap: int, scale: int = 1) -> torch.Tensor:
    return in_tiles(Inputs(frames, {}, {}), lambda inputs: network(inputs.frames), Tiling(tile, overlap, 4, scale))


def test_a_local_network_gives_the_same_picture_in_tiles() -> None:
    frames = torch.rand(2, 3, 64, 96)
    torch.testing.assert_close(run(frames, lambda t: t * 0.5 + 0.1, 32, 8), frames * 0.5 + 0.1)
    torch.testing.assert_close(run(frames, nets.Enlarge(), 32, 8, 2), nets.Enlarge()(frames))


def test_companions_are_cut_like_the_frames() -> None:
    frames, mask = torch.rand(2, 3, 64, 96), torch.rand(2, 1, 64, 96)
    inputs = Inputs(frames, {"mask": mask}, {})
    result = in_tiles(inputs, lambda piece: piece.frames * piece.beside_frames["mask"], Tiling(32, 8, 4, 1))
    torch.testing.assert_close(result, frames * mask)


def test_edges_of_tiles_weigh_less_than_their_middle() -> None:
    number = iter(range(10))
    result = run(torch.zeros(1, 1, 32, 48), lambda t: t + next(number), 32, 16)
    middle = result[0, 0, 16]
    assert middle[0] == 0
    assert middle[-1] == 1
    assert torch.all(middle.diff() >= 0)
    assert 0 < middle[24] < 1


def test_tiles_in_a_filter() -> None:
    source = clips.noise(width=70, height=50, length=2)
    descriptor = nets.with_traits(nets.IMAGE, multiple=4, tile_overlap=8)
    clip = apply(source, Stage(descriptor=descriptor, build=nets.Identity), Options(device="cpu", tile=32))
    for mine, theirs in zip(clips.samples(clip.get_frame(1)), clips.samples(source.get_frame(1)), strict=True):
        assert abs(mine - theirs).max() < 1e-6
