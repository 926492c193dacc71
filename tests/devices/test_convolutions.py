"""A convolution and its activation in one pass, on the CPU."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vsrestore.devices.cpu.convolutions import FUSED_SLOWER, FusedConv
from vsrestore.networks.layers.activation import SLOPE, lrelu, relu
from vsrestore.networks.layers.layout import channels_last

SEPARATE = {relu: nn.ReLU(), lrelu: nn.LeakyReLU(SLOPE)}


def conv_of(inputs=16, outputs=64, kernel=3, stride=1, dtype=torch.float32):
    torch.manual_seed(0)
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2)
    conv.__class__ = FusedConv
    return conv.to(dtype=dtype, memory_format=torch.channels_last)


def picture_of(channels=16, dtype=torch.float32):
    torch.manual_seed(1)
    return channels_last(torch.randn(2, channels, 37, 53, dtype=dtype))


@pytest.fixture
def passes(monkeypatch):
    """Whether each convolution and its activation were one pass."""
    found = []
    decide = FusedConv._in_one_pass

    def spy(conv, x):
        found.append(decide(conv, x))
        return found[-1]

    monkeypatch.setattr(FusedConv, "_in_one_pass", spy)
    return found


@torch.inference_mode()
@pytest.mark.parametrize("activate", [relu, lrelu], ids=["relu", "lrelu"])
@pytest.mark.parametrize(("outputs", "kernel", "stride"), [(64, 3, 1), (24, 1, 1), (32, 7, 1), (96, 3, 2), (3, 3, 1)])
def test_one_pass_gives_the_same_bits_in_float32(activate, outputs, kernel, stride, passes):
    conv, x = conv_of(outputs=outputs, kernel=kernel, stride=stride), picture_of()
    assert torch.equal(activate.after(conv, x), SEPARATE[activate](conv(x)))
    assert passes == [torch.backends.mkldnn.is_available()]


@torch.inference_mode()
@pytest.mark.parametrize("activate", [relu, lrelu], ids=["relu", "lrelu"])
def test_one_pass_rounds_once_in_bfloat16(activate):
    conv, x = conv_of(dtype=torch.bfloat16), picture_of(dtype=torch.bfloat16)
    exact = SEPARATE[activate](conv.float()(x.float()))
    given = activate.after(conv.to(torch.bfloat16), x)
    assert given.dtype == torch.bfloat16
    assert (given - exact).abs().max() <= 2.0**-8 * exact.abs().max()


@torch.inference_mode()
def test_slow_cases_take_two_passes(passes):
    for count in (FUSED_SLOWER[0], FUSED_SLOWER[-1]):
        conv, x = conv_of(outputs=count), picture_of()
        assert torch.equal(lrelu.after(conv, x), SEPARATE[lrelu](conv(x)))
    conv, x = conv_of(), picture_of().contiguous()
    assert torch.equal(lrelu.after(conv, x), SEPARATE[lrelu](conv(x)))
    assert passes == [False] * 3


def test_training_has_gradients(passes):
    conv, x = conv_of(), picture_of()
    lrelu.after(conv, x).sum().backward()
    assert conv.weight.grad is not None
    assert passes == [False]
