import pytest
import torch

from vsrestore.networks.layers.warp import flow_warp


def ramp(h=6, w=8):
    return torch.arange(h * w, dtype=torch.float32).view(1, 1, h, w)


def shift(dx, dy, h=6, w=8):
    return torch.tensor([dx, dy], dtype=torch.float32).view(1, 2, 1, 1).expand(1, 2, h, w)


def test_no_flow_returns_the_input():
    torch.testing.assert_close(flow_warp(ramp(), shift(0, 0)), ramp(), atol=1e-4, rtol=0)


def test_flow_points_right_and_down():
    out = flow_warp(ramp(), shift(2, 1))
    torch.testing.assert_close(out[..., :5, :6], ramp()[..., 1:, 2:], atol=1e-4, rtol=0)


def test_outside_is_zero_or_the_border():
    assert flow_warp(ramp(), shift(3, 0))[0, 0, 0, 7] == 0
    assert flow_warp(ramp(), shift(3, 0), padding="border")[0, 0, 0, 7] == pytest.approx(7, abs=1e-4)


def test_half_a_pixel_and_nearest():
    assert flow_warp(ramp(), shift(0.5, 0))[0, 0, 0, 0] == pytest.approx(0.5, abs=1e-4)
    assert flow_warp(ramp(), shift(0.7, 0), mode="nearest")[0, 0, 0, 0] == pytest.approx(1, abs=1e-4)


def test_wide_half_precision_input_is_sampled_at_the_right_pixel():
    x = torch.zeros(1, 1, 2, 4001, dtype=torch.bfloat16)
    x[..., 3001] = 1
    out = flow_warp(x, shift(1, 0, 2, 4001))
    assert out.dtype == torch.bfloat16
    assert out[0, 0, 0, 3000] > 0.99


def test_unfit_flow_is_refused():
    with pytest.raises(ValueError, match="fits this input"):
        flow_warp(ramp(), shift(0, 0, 5, 8))
