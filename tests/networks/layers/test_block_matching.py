import pytest
import torch
import torch.nn.functional as F

from vsrestore.networks.layers.block_matching import block_flow


def texture(h=128, w=160):
    """A picture with detail of several sizes."""
    generator = torch.Generator().manual_seed(0)
    layers = []
    for cell in (4, 8, 16):
        noise = torch.rand(1, 1, h // cell, w // cell, generator=generator)
        layers.append(F.interpolate(noise, size=(h, w), mode="bicubic"))
    return sum(layers) / 3


def inner(flow):
    return flow[0, :, 8:-8, 8:-8].flatten(1)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (4, 0), (-6, 2), (25, 10)])
def test_a_shift_is_found(right, down):
    centre = texture()
    flow = block_flow(centre, centre.roll((down, right), dims=(2, 3)))
    assert flow.shape == (1, 2, 32, 40)
    expected = torch.tensor([right / 4, down / 4])
    torch.testing.assert_close(inner(flow).median(dim=1).values, expected, atol=0.125, rtol=0)


def test_dirt_does_not_pull_the_flow():
    centre = texture()
    neighbour = centre.roll((2, -6), dims=(2, 3))
    dirty = centre.clone()
    for y, x in ((40, 50), (60, 90), (80, 70)):
        dirty[..., y : y + 5, x : x + 5] = 0
    error = (inner(block_flow(dirty, neighbour)) - torch.tensor([[-1.5], [0.5]])).abs()
    assert (error < 0.3).float().mean() > 0.9


def test_flat_pictures_stay_where_they_are():
    flat = torch.full((2, 1, 64, 64), 0.4)
    noisy = flat + 1e-4 * torch.rand(flat.shape, generator=torch.Generator().manual_seed(1))
    assert block_flow(flat, noisy).abs().max() < 0.1


def test_pairs_do_not_mix():
    a, b = texture(), texture().flip(3)
    together = block_flow(torch.cat((a, b)), torch.cat((a.roll(4, dims=3), b)))
    torch.testing.assert_close(together[:1], block_flow(a, a.roll(4, dims=3)))
    torch.testing.assert_close(together[1:], block_flow(b, b))
