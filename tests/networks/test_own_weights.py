"""The weights that are shipped: none of their features sleeps."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.filters.test_film import panned
from vsrestore import checkpoints, networks
from vsrestore.networks.layers.residual import ResidualBlock
from vsrestore.networks.layers.unet import UNet

from .temporal_samples import windows

AWAKE = 1e-3  # share of the places where a feature is above 0


def rectified(network):
    """Names and convolutions whose output goes through a ReLU."""
    for name, part in network.named_modules():
        if isinstance(part, ResidualBlock):
            yield f"{name}.conv1", part.conv1
        elif isinstance(part, UNet):
            yield from ((f"{name}.{layer}", getattr(part, layer)) for layer in ("down1", "down2"))


@pytest.mark.parametrize("weights", ["film", "interpolate", "tape", "upscale-x2", "upscale-x4"])
def test_features_of_every_layer_are_awake(weights):
    network = networks.load(checkpoints.read(checkpoints.find(weights)))
    shares = {}

    def look(name):
        return lambda _, __, features: shares.update({name: (features > 0).float().mean((0, 2, 3))})

    for name, layer in rectified(network):
        assert isinstance(layer, nn.Conv2d)
        layer.register_forward_hook(look(name))  # is told only with gradients on: else the ReLU is part of the layer
    clean = panned()[:5]
    grainy = clean + np.random.default_rng(1).normal(0, 0.05, clean.shape).astype(np.float32)
    frames = torch.from_numpy(grainy).permute(0, 3, 1, 2)[None].contiguous()  # what waits for damage sleeps without
    network.restore(frames, windows(2)[:, 2 - network.radius : 3 + network.radius])
    sleeping = {name: (share < AWAKE).float() for name, share in shares.items()}
    asleep = {name: int(each.sum()) for name, each in sleeping.items() if each.mean() > 0.5}
    assert len(shares) >= 7
    assert not asleep, f"features that are nowhere above 0, more than half of their layer: {asleep}"
