"""Delays of colours are found, and undone."""

import pytest
import torch
import torch.nn.functional as F

from vsrestore.networks.layers.chroma_delay import delay, delay_fits, undelayed
from vsrestore.networks.layers.luma import luma


def picture(height=96, width=160):
    """Patches of colours that differ in brightness as well."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.rand(1, 3, height // 16, width // 16, generator=generator)
    return F.interpolate(patches, size=(height, width), mode="nearest")


def soft(x):
    """A box of 9 pixels along the line."""
    return F.avg_pool2d(F.pad(x, (4, 4, 0, 0), mode="replicate"), (1, 9), stride=1)


def delayed(frames, right, down):
    """The colours of frames, softer and further to the right and down."""
    colours = soft(frames - luma(frames))
    return luma(frames) + torch.roll(colours, (down, right), dims=(-2, -1))


@pytest.mark.parametrize(("right", "down"), [(0, 0), (2, 0), (3, 2), (6, 1), (-1, 0), (5, 4)])
def test_the_delay_is_found(right, down):
    found = delay(delay_fits(delayed(picture(), right, down)))
    torch.testing.assert_close(found, torch.tensor([[right, down]], dtype=torch.float32), atol=0.6, rtol=0)


def test_each_frame_has_its_own():
    frames = torch.cat((delayed(picture(), 4, 0), delayed(picture(), 0, 2)))
    first, second = delay(delay_fits(frames))
    assert first[0] - second[0] > 3
    assert second[1] - first[1] > 1


def test_colours_come_back():
    truth = picture()
    truth = luma(truth) + soft(truth - luma(truth))
    late = torch.roll(truth - luma(truth), 3, dims=-1) + luma(truth)
    back = undelayed(late, torch.tensor([[3.0, 0.0]]))
    torch.testing.assert_close(luma(back), luma(truth), atol=1e-5, rtol=0)
    torch.testing.assert_close(back[..., 8:-8], truth[..., 8:-8], atol=1e-4, rtol=0)


def test_gray_frames_stay_as_they_are():
    gray = picture().mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert delay(delay_fits(gray)).isfinite().all()
    torch.testing.assert_close(undelayed(gray, delay(delay_fits(gray))), gray, atol=1e-5, rtol=0)
