"""Layouts of pictures."""

from __future__ import annotations

import pytest
import torch

from vsrestore.networks.layers.layout import channels_first, channels_last


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_channels_go_first_without_rounding(dtype):
    x = torch.randn(2, 24, 7, 9, generator=torch.Generator().manual_seed(0)).to(dtype)
    x[0, 0, 0] *= 1e20
    found = channels_first(channels_last(x))
    assert found.is_contiguous()
    assert torch.equal(found, x)


def test_gradients_pass():
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    channels_first(channels_last(x)).square().sum().backward()
    assert torch.equal(x.grad, 2 * x.detach())
