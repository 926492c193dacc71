import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage import data

from vsrestore.networks.layers.bilateral_motion import Path, bilateral_motion, median3x3


def photo():
    """Luma of a photograph, (1, 1, 256, 256)."""
    small = data.astronaut().reshape(256, 2, 256, 2, 3).mean((1, 3, 4), dtype=np.float32) / 255
    return torch.from_numpy(small)[None, None]


def part(top, left):
    return photo()[..., top : top + 128, left : left + 128].clone()


def half_way(time=0.5, height=128, width=128):
    return Path(torch.tensor([time]).view(1, 1, 1, 1), height, width)


@pytest.mark.parametrize(("across", "down"), [(0, 0), (5, 0), (-6, 3), (17, -9), (40, 8)])
@pytest.mark.parametrize("time", [0.5, 0.25])
def test_the_motion_of_a_moving_picture_is_found_at_any_time(across, down, time):
    motion = bilateral_motion(part(64, 64), part(64 - down, 64 - across), half_way(time))
    shown = motion.inside.prod(1)[0] > 0
    for found, wanted in zip(motion.flow[0], (across / 2, down / 2), strict=True):
        assert (found[shown] - wanted).abs().median() < 0.25
        assert ((found[shown] - wanted).abs() < 0.5).float().mean() > 0.8
    assert motion.misfit[0, 0][shown].median() < 0.03


def test_what_stands_still_in_front_of_a_moving_picture_is_found():
    first, second = part(64, 72), part(64, 56)
    for each in (first, second):
        each[..., 48:80, 48:80] = photo()[..., 10:42, 100:132]
    flow = bilateral_motion(first, second, half_way()).flow[0, 0]
    assert flow[28:36, 28:36].abs().median() < 0.5
    assert (flow[10:50, 10:18] - 8).abs().median() < 0.5


def test_pairs_do_not_count_for_each_other():
    first, second = torch.cat((part(0, 0), part(64, 64))), torch.cat((part(3, 1), part(60, 60)))
    path = half_way()._replace(times=torch.tensor([0.5, 0.3]).view(-1, 1, 1, 1))
    together = bilateral_motion(first, second, path)
    for n in range(2):
        own = path._replace(times=path.times[n : n + 1])
        alone = bilateral_motion(first[n : n + 1], second[n : n + 1], own)
        torch.testing.assert_close(together.flow[n : n + 1], alone.flow, atol=1e-4, rtol=0)


def test_a_motion_is_divided_by_the_time():
    flow = torch.full((1, 2, 4, 8), 2.0)
    back, ahead = half_way(0.25).ends(flow)
    assert (back == -0.5).all()
    assert (ahead == 1.5).all()


def test_a_motion_may_lead_out_of_the_picture_and_padding_is_outside():
    flow = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1).expand(-1, -1, 4, 8)
    before, after = half_way(0.5, 4, 6).inside(flow)[0]
    assert before.tolist() == [[0, 1, 1, 1, 1, 1, 1, 0]] * 4
    assert after.tolist() == [[1, 1, 1, 1, 1, 0, 0, 0]] * 4


def test_medians_are_those_of_nine():
    x = torch.rand(2, 3, 7, 9)
    around = F.pad(x, (1, 1, 1, 1), mode="replicate").unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2)
    torch.testing.assert_close(median3x3(x), around.median(-1).values)
