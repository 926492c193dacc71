import torch

from vsrestore.networks.layers.across import REACH, filled_across


def ramp(height=6, width=40):
    """A picture that grows brighter to the right, (1, 3, H, W)."""
    return torch.linspace(0.2, 0.8, width).expand(1, 3, height, width).contiguous()


def line(frames, first, end):
    """The same with a white line over columns first to end - 1, and where the line is."""
    unknown = torch.zeros_like(frames[:, :1])
    unknown[..., first:end] = 1
    return torch.where(unknown > 0, 1.0, frames), unknown


def test_a_slope_goes_on_under_a_line():
    for width in (1, 3, 8):
        seen, unknown = line(ramp(), 15, 15 + width)
        fill = filled_across(seen, unknown).view_as(seen.transpose(0, 1)).transpose(0, 1)
        assert (torch.where(unknown > 0, fill, seen) - ramp()).abs().max() < 2e-3


def test_an_edge_beside_the_line_belongs_to_its_own_side():
    frames = torch.zeros(1, 3, 4, 40)
    frames[..., 22:] = 1
    seen, unknown = line(frames, 17, 19)
    fill = filled_across(seen, unknown).view(3, 4, 40)
    assert fill[..., 17:19].max() < 0.35


def test_at_the_border_the_one_side_counts():
    frames = torch.full((1, 3, 4, 40), 0.4)
    seen, unknown = line(frames, 0, 3)
    assert (filled_across(seen, unknown).view(3, 4, 40)[..., :3] - 0.4).abs().max() < 5e-3


def test_places_are_pixels_of_all_frames():
    frames = torch.rand(2, 3, 5, 30, generator=torch.Generator().manual_seed(0))
    unknown = (torch.rand(2, 1, 5, 30, generator=torch.Generator().manual_seed(1)) > 0.8).float()
    places = torch.tensor([0, 29, 77, 150, 299])
    assert REACH < 30
    torch.testing.assert_close(filled_across(frames, unknown, places), filled_across(frames, unknown)[:, places])
