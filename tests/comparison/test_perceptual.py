from __future__ import annotations

import numpy as np
import pytest
import torch

from vsrestore.comparison.errors import ComparisonError
from vsrestore.comparison.perceptual import is_installed, lpips_measure

# torchvision's AlexNet: number of a layer, and the shape of its weights.
LAYERS = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}

pytestmark = pytest.mark.skipif(not is_installed(), reason="lpips is not installed")


@pytest.fixture(scope="module")
def trunk():
    generator = torch.Generator().manual_seed(3)
    tensors = {}
    for number, shape in LAYERS.items():
        scale = (2 / np.prod(shape[1:])) ** 0.5
        tensors[f"features.{number}.weight"] = scale * torch.randn(shape, generator=generator)
        tensors[f"features.{number}.bias"] = torch.zeros(shape[0])
    return {**tensors, "classifier.1.weight": torch.zeros(1)}


def test_what_looks_more_unlike_measures_more(trunk):
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    near = np.clip(one.astype(int) + rng.integers(-8, 9, one.shape), 0, 255).astype(np.uint8)
    measure = lpips_measure(trunk)
    assert measure(one, one) == 0
    assert 0 < measure(near, one) < measure(255 - one, one)
    other = lpips_measure({name: tensor + 0.01 for name, tensor in trunk.items()})
    assert other(near, one) != measure(near, one)


def test_another_network_is_refused(trunk):
    with pytest.raises(ComparisonError, match="not torchvision's AlexNet"):
        lpips_measure({name: tensor for name, tensor in trunk.items() if "10" not in name})
