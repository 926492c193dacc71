import numpy as np
import pytest
import torch

from vsrestore.damage.film import PRESETS
from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.training.validate import Scores, psnr, restore_clip, scores, table


@pytest.fixture
def network():
    net = TemporalUNet(widths=(8, 8, 8), blocks=(1, 0, 0, 0, 0)).eval()
    with torch.no_grad():
        net.weigh.bias.view(net.head_count, -1, 4)[:, -1] = 30  # takes nothing else than the centre frame
    return net


def test_psnr_of_a_known_error():
    assert psnr(torch.full((2, 3, 8, 8), 0.6), torch.full((2, 3, 8, 8), 0.5)) == pytest.approx(20, abs=1e-3)


def test_restore_clip_returns_every_frame_in_order(network):
    frames = torch.rand(6, 3, 32, 40)
    for head in restore_clip(network, frames):
        torch.testing.assert_close(head, frames, atol=1e-5, rtol=0)


def test_a_network_that_does_nothing_gains_nothing_and_keeps_everything(network):
    clip = np.random.default_rng(0).integers(40, 200, (5, 32, 40, 3), dtype=np.uint8)
    rows = list(scores(network, {"noise": clip}, {"heavy": (1, PRESETS["film-heavy"])}))
    assert len(rows) == 1
    assert rows[0].grained == pytest.approx(rows[0].damaged, abs=0.01)
    assert rows[0].clean == pytest.approx(rows[0].noisy, abs=0.01)
    assert rows[0].kept > 70
    assert rows[0].damaged < 35


def test_table_ends_with_the_means():
    rows = [Scores("a", "x", 20, 26, 18, 25, 44, 40), Scores("b", "x", 30, 34, 28, 33, 46, 42)]
    lines = table(rows).splitlines()
    assert lines[-1] == "| mean |  | 25.00 | 30.00 | 5.00 | 23.00 | 29.00 | 6.00 | 45.00 | 41.00 |"
    assert len({line.count("|") for line in lines}) == 1
