import numpy as np
import pytest
import torch

from vsrestore.damage.film import PRESETS
from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.networks.temporal_upscaler import TemporalUpscaler
from vsrestore.training.tasks.film import film_cases
from vsrestore.training.tasks.upscale import UpscaleTask
from vsrestore.training.validate import Scores, clip_psnr, means, restore_clip, scores, table


@pytest.fixture
def network():
    net = TemporalUNet(widths=(8, 8, 8), blocks=(1, 0, 0, 0, 0)).eval()
    with torch.no_grad():
        net.weigh.bias.view(net.head_count, -1, 4)[:, -1] = 30  # takes nothing else than the centre frame
    return net


def test_psnr_of_a_known_error():
    assert clip_psnr(torch.full((2, 3, 8, 8), 0.6), torch.full((2, 3, 8, 8), 0.5)) == pytest.approx(20, abs=1e-3)


def test_restore_clip_returns_every_frame_in_order(network):
    frames = torch.rand(6, 3, 32, 40)
    for head in restore_clip(network, frames):
        torch.testing.assert_close(head, frames, atol=1e-5, rtol=0)


def test_a_network_that_does_nothing_gains_nothing_and_keeps_everything(network):
    clip = np.random.default_rng(0).integers(40, 200, (5, 32, 40, 3), dtype=np.uint8)
    heavy, undamaged = scores(network, {"noise": clip}, film_cases({"heavy": (1, PRESETS["film-heavy"])}))
    assert heavy.after == pytest.approx(heavy.before, abs=0.01)
    assert heavy.before[0] < 35
    assert undamaged.case == "undamaged"
    assert min(undamaged.after) > 70


def test_a_network_that_enlarges_by_interpolation_gains_nothing():
    clip = np.random.default_rng(0).integers(40, 200, (3, 64, 64, 3), dtype=np.uint8)
    small = TemporalUpscaler(2, widths=(8, 8, 8), blocks=(0, 0, 0, 0, 1)).eval()
    cases = {"plain": UpscaleTask(2).cases()["plain"]}
    (row,) = scores(small, {"noise": clip}, cases)
    assert row.after == pytest.approx(row.before, abs=0.01)


ROWS = [
    Scores("a", "x", (20, 18), (26, 25)),
    Scores("b", "x", (30, 28), (34, 33)),
    Scores("a", "undamaged", (80, 80), (45, 41)),
]


def test_table_ends_with_the_means():
    lines = table(ROWS, ("grained", "clean")).splitlines()
    assert lines[-2] == "| mean | x | 25.00 | 30.00 | 5.00 | 23.00 | 29.00 | 6.00 |"
    assert len({line.count("|") for line in lines}) == 1


def test_means_are_gains_but_where_nothing_is_damaged():
    assert means(ROWS, ("grained", "clean")) == {
        "x grained": 5.0,
        "x clean": 6.0,
        "undamaged grained": 45.0,
        "undamaged clean": 41.0,
    }
