"""Analog Swin-UNet written down as published gives what ours gives."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


@pytest.mark.slow
def test_both_ways_agree(part):
    from vsrestore.networks.analog_swin_unet import AnalogSwinUNet

    naive = part("naive.analog_swin_unet")
    torch.manual_seed(0)
    network = AnalogSwinUNet(16, (1, 2, 1, 1), (1, 2, 2)).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.normal_(0, parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.05)
    clip = torch.rand(1, 5, 3, 48, 160)
    windows = torch.tensor([[0, 1, 2, 3, 4], [-1, -1, 0, 1, 2], [1, 2, 3, 4, -2], [2, 3, 4, -1, -2]])
    with torch.inference_mode():
        expected, found = naive.restore(network, clip, windows), network(clip, windows)
    assert found.shape == (1, 4, 3, 48, 160)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
