"""The network of fast neural style beyond its golden record: sizes, leftovers of early files."""

from __future__ import annotations

import pytest
import torch

from vsrestore import networks
from vsrestore.networks.fast_neural_style import TransformerNet


@pytest.mark.parametrize(("size", "given"), [((53, 74), (56, 76)), ((8, 8), (8, 8)), ((9, 15), (12, 16))])
def test_sizes_are_rounded_up_to_multiples_of_four(size, given):
    with torch.inference_mode():
        assert TransformerNet(width=4)(torch.rand(1, 3, *size)).shape == (1, 3, *given)


def test_a_frame_does_not_depend_on_its_neighbours():
    network, pictures = TransformerNet(width=4), torch.rand(3, 3, 16, 20)
    with torch.inference_mode():
        alone = torch.cat([network(picture[None]) for picture in pictures])
        torch.testing.assert_close(network(pictures), alone, atol=1e-6, rtol=0)


def test_statistics_of_early_files_are_left_out():
    network = TransformerNet(width=4)
    extra = {
        f"{name}.{kind}": torch.ones(4) for name in ("in1", "res3.in2") for kind in ("running_mean", "running_var")
    }
    loaded = networks.load({**network.state_dict(), **extra})
    assert networks.recognise({name: tuple(t.shape) for name, t in extra.items()} | shapes(network)) == (
        "fast_neural_style",
        {"width": 4},
    )
    picture = torch.rand(1, 3, 12, 12)
    with torch.inference_mode():
        assert torch.equal(loaded(picture), network(picture))


def shapes(network):
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
