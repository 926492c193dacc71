import pytest
import torch
import torch.nn.functional as F

from vsrestore.networks.layers.block_matching import (
    BLOCK,
    LIMIT,
    BlockSearch,
    _Blocks,
    _difference,
    _packed,
    joined,
    moved,
    phases,
)


def texture(h=128, w=160):
    """A picture with detail of several sizes."""
    generator = torch.Generator().manual_seed(0)
    layers = []
    for cell in (4, 8, 16):
        noise = torch.rand(1, 1, h // cell, w // cell, generator=generator)
        layers.append(F.interpolate(noise, size=(h, w), mode="bicubic"))
    return sum(layers) / 3


def flow_between(centre, neighbour):
    """The flow of every pair, (P, 2, H / 4, W / 4)."""
    numbers = torch.arange(len(centre))
    return BlockSearch(torch.cat((centre, neighbour))).flow(numbers, numbers + len(centre))


def inner(flow):
    return flow[0, :, 8:-8, 8:-8].flatten(1)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, 0), (-7, 2), (25, 10), (-30, 31)])
def test_a_shift_is_found(right, down):
    centre = texture()
    flow = flow_between(centre, centre.roll((down, right), dims=(2, 3)))
    assert flow.shape == (1, 2, 32, 40)
    exact = inner(flow) == torch.tensor([[right], [down]])
    assert exact.all(0).float().mean() > 0.95


def test_dirt_does_not_pull_the_flow():
    centre = texture()
    neighbour = centre.roll((2, -6), dims=(2, 3))
    dirty = centre.clone()
    for y, x in ((40, 50), (60, 90), (80, 70)):
        dirty[..., y : y + 3, x : x + 3] = 0
    exact = inner(flow_between(dirty, neighbour)) == torch.tensor([[-6], [2]])
    assert exact.all(0).float().mean() > 0.9


def test_a_thing_that_moves_on_a_still_ground_is_found():
    """A square of 32 pixels that moves by more than a third of that."""
    ground, square = texture(), texture().flip(3)[..., :32, :32]
    centre, neighbour = ground.clone(), ground.clone()
    centre[..., 60:92, 60:92] = square
    neighbour[..., 60:92, 72:104] = square
    flow = flow_between(centre, neighbour)[0]
    assert (flow[:, 16:22, 16:22].flatten(1) == torch.tensor([[12], [0]])).all()
    still = flow.clone()
    still[:, 13:25, 13:28] = 0
    assert (still == 0).all(0).float().mean() > 0.95


def test_flat_pictures_stay_where_they_are():
    flat = torch.full((2, 1, 64, 64), 0.4)
    noisy = flat + 1e-4 * torch.rand(flat.shape, generator=torch.Generator().manual_seed(1))
    assert flow_between(flat, noisy).abs().max() == 0


def test_pairs_do_not_mix():
    a, b = texture(), texture().flip(3)
    together = flow_between(torch.cat((a, b)), torch.cat((a.roll(4, dims=3), b)))
    assert torch.equal(together[:1], flow_between(a, a.roll(4, dims=3)))
    assert torch.equal(together[1:], flow_between(b, b))


def test_differences_are_summed_by_block():
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randint(0, 256, (BLOCK, 15 * BLOCK), generator=generator).to(torch.uint8) for _ in range(2))
    expected = (one.int() - other.int()).abs().clamp(max=LIMIT).unflatten(-1, (15, BLOCK)).sum((0, 2))
    assert torch.equal(_difference(one, _Blocks.of(other)), expected)


def test_a_number_is_the_eight_bytes_from_its_place_on():
    codes = torch.randint(0, 256, (2, 3, 20), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    numbers = _packed(codes, 11)
    assert numbers.shape == (2, 3, 11)
    assert torch.equal(numbers.view(torch.uint8).unflatten(-1, (11, BLOCK)), codes.unfold(-1, BLOCK, 1)[..., :11, :])


def test_moved_fetches_cells():
    frames = torch.arange(2 * 3 * 64 * 64).float().view(2, 3, 64, 64)
    flow = torch.zeros(2, 2, 16, 16, dtype=torch.int64)
    flow[0, :, 4, 5] = torch.tensor([3, -2])
    flow[1, 0, 0, 0] = -9
    out = moved(frames, flow)
    assert torch.equal(out[0, :, 16:20, 20:24], frames[0, :, 14:18, 23:27])
    assert torch.equal(out[1, :, :4, :4], frames[1, :, :4, :1].expand(-1, -1, 4))
    out[0, :, 16:20, 20:24] = frames[0, :, 16:20, 20:24]
    assert torch.equal(out[0], frames[0])


def test_moves_beyond_the_frame_repeat_the_border():
    frames = torch.rand(1, 2, 32, 64, generator=torch.Generator().manual_seed(0))
    flow = torch.randint(-100, 100, (1, 2, 8, 16), generator=torch.Generator().manual_seed(1))
    across, down = flow.repeat_interleave(4, -2).repeat_interleave(4, -1)[0]
    rows = (torch.arange(32)[:, None] + down).clamp(0, 31)
    columns = (torch.arange(64) + across).clamp(0, 63)
    assert torch.equal(moved(frames, flow), frames[..., rows, columns])


def test_the_layout_of_frames_does_not_matter():
    frames = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(3))
    flow = torch.randint(-5, 6, (2, 2, 8, 16), generator=torch.Generator().manual_seed(4))
    other = frames.contiguous(memory_format=torch.channels_last)
    assert torch.equal(moved(other, flow), moved(frames, flow))


def test_phases_are_those_of_blocks():
    frames = torch.rand(2, 3, 8, 12)
    assert torch.equal(phases(frames).flatten(1, 2), F.pixel_unshuffle(frames, 2))
    assert torch.equal(joined(phases(frames)), frames)
