import torch

from vsrestore.networks.blemish_fill import BlemishFill


def panned(count=9):
    generator = torch.Generator().manual_seed(3)
    sheet = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 40, generator=generator), (96, 160), mode="bicubic")
    return torch.stack([sheet[0, :, :, 2 * n : 2 * n + 128] for n in range(count)])[None].clamp(0, 1)


@torch.inference_mode()
def test_a_mark_of_four_frames_is_filled_from_beyond_them():
    truth = panned()
    seen, found = truth.clone(), torch.zeros(1, 9, 4, 96, 128)
    seen[:, 3:7, :, 40:56, 60:76] = 1
    found[:, 3:7, 3, 40:56, 60:76] = 0.9
    filled = BlemishFill()(seen, found)
    assert (filled - truth).square().mean() < 0.02 * (seen - truth).square().mean()
    assert torch.equal(filled[:, :2], truth[:, :2])


@torch.inference_mode()
def test_stains_are_added_and_uncertain_marks_are_left():
    truth = panned(3)
    found = torch.zeros(1, 3, 4, 96, 128)
    found[:, 1, :3, 20:40, 20:40], found[:, 1, 3] = 0.1, 0.4
    filled = BlemishFill()(truth, found)
    assert torch.equal(filled[:, ::2], truth[:, ::2])
    torch.testing.assert_close(filled[:, 1, :, 20:40, 20:40], (truth[:, 1, :, 20:40, 20:40] + 0.1).clamp(0, 1))
