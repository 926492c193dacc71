"""Convolutions under norms: torch's own are the measure, folding changes nothing."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from vsrestore.networks.layers.normed_conv import SpectralConv, WeightNormConv, complete_spectral, fold_norms


def of_torch(norm, conv):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return norm(conv).eval()


def close(one, other):
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("size", "bias", "dimensions"), [(3, True, 2), (1, False, 2), (1, False, 1)])
def test_spectral_norm_is_that_of_torch(size, bias, dimensions):
    kind = nn.Conv2d if dimensions == 2 else nn.Conv1d
    reference = of_torch(torch.nn.utils.spectral_norm, kind(4, 6, size, padding=size // 2, bias=bias))
    own = SpectralConv(4, 6, size, bias, dimensions)
    own.load_state_dict(reference.state_dict())
    x = torch.randn(2, 4, *[5] * dimensions)
    with torch.inference_mode():
        close(own(x), reference(x))
        close(own.plain()(x), reference(x))


def test_weight_norm_is_that_of_torch():
    reference = of_torch(torch.nn.utils.weight_norm, nn.Conv2d(4, 6, 1))
    own = WeightNormConv(4, 6)
    own.load_state_dict(reference.state_dict())
    x = torch.randn(2, 4, 5, 5)
    with torch.inference_mode():
        close(own(x), reference(x))


class Named(nn.Module):
    FOLLOWED_BY_NORM = (("conv1", "bn1"), ("conv2", "bn2"))

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.bn1(self.conv1(x))


def test_folding_leaves_no_norm_after_a_convolution_and_the_same_picture():
    normed = of_torch(torch.nn.utils.spectral_norm, nn.Conv2d(4, 4, 1, bias=False))
    spectral = SpectralConv(4, 4)
    spectral.load_state_dict(normed.state_dict())
    network = nn.Sequential(spectral, nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4), Named()).eval()
    for norm in (part for part in network.modules() if isinstance(part, nn.BatchNorm2d)):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    x = torch.randn(1, 4, 6, 6)
    with torch.inference_mode():
        expected = network(x)
        fold_norms(network)
        close(network(x), expected)
    left = [name for name, part in network.named_modules() if isinstance(part, nn.BatchNorm2d | SpectralConv)]
    assert left == ["3"]


@pytest.mark.parametrize("with_weight", [True, False])
def test_files_without_v_give_the_same_weight(with_weight):
    normed = of_torch(torch.nn.utils.spectral_norm, nn.Conv2d(4, 6, 3, bias=False))
    for _ in range(50):  # of the power iteration: u and v belong together as those files take for granted
        normed.train()(torch.zeros(1, 4, 5, 5))
    stored = {f"a.{name}": tensor.detach() for name, tensor in normed.eval().state_dict().items()}
    expected = SpectralConv(4, 6, 3)
    expected.load_state_dict({name.removeprefix("a."): tensor for name, tensor in stored.items()})
    del stored["a.weight_v"]
    if with_weight:
        stored |= {"a.weight": expected.weight.detach(), "a.weight_u": torch.randn(6)}
    complete = complete_spectral(stored)
    found = SpectralConv(4, 6, 3)
    found.load_state_dict({name.removeprefix("a."): tensor for name, tensor in complete.items()})
    torch.testing.assert_close(found.weight, expected.weight, atol=1e-4, rtol=1e-4)
    shapes = complete_spectral({name: tuple(tensor.shape) for name, tensor in stored.items()})
    assert shapes == {name: tuple(tensor.shape) for name, tensor in complete.items()}
