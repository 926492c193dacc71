"""Patches as tokens and back, against patches that are really cut."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from vsrestore.networks.layers.soft_split import FusionFeedForward, SoftComposition, composition_kernel, split_kernel

SIZE = (11, 14)
TOKENS = (4, 5)


def test_composing_adds_patches_up() -> None:
    generator = torch.Generator().manual_seed(1)
    matrix, bias = torch.randn(2 * 49, 6, generator=generator), torch.randn(2 * 49, generator=generator)
    layer = SoftComposition(6, 2)
    layer.load_state_dict({"weight": composition_kernel(matrix), "bias": composition_kernel(bias)})
    tokens = torch.randn(3, 6, *TOKENS, generator=generator)
    patches = F.linear(tokens.flatten(2).transpose(1, 2), matrix, bias).transpose(1, 2)
    expected = F.fold(patches, SIZE, 7, stride=3, padding=3)
    torch.testing.assert_close(layer(tokens, SIZE), expected, atol=1e-4, rtol=1e-5)


def test_the_layers_between_tokens_are_those_of_patches() -> None:
    generator = torch.Generator().manual_seed(2)
    spread, bias = torch.randn(3 * 49, 6, generator=generator), torch.randn(3 * 49, generator=generator)
    gathered, last = torch.randn(6, 3 * 49, generator=generator), torch.randn(6, generator=generator)
    layer = FusionFeedForward(6, 3)
    state = {"fc1.0.weight": composition_kernel(spread), "fc1.0.bias": composition_kernel(bias)}
    layer.load_state_dict({**state, "fc2.1.weight": split_kernel(gathered), "fc2.1.bias": last})
    tokens = torch.randn(2, 6, *TOKENS, generator=generator)
    patches = F.linear(tokens.flatten(2).transpose(1, 2), spread, bias).transpose(1, 2)
    fold = {"kernel_size": 7, "stride": 3, "padding": 3}
    count = F.fold(torch.ones_like(patches), SIZE, **fold)
    agreed = F.unfold(F.fold(patches, SIZE, **fold) / count, **fold).transpose(1, 2)
    expected = F.linear(F.gelu(agreed), gathered, last).transpose(1, 2).unflatten(2, TOKENS)
    torch.testing.assert_close(layer(tokens, SIZE), expected, atol=1e-3, rtol=1e-5)


def test_shapes_are_turned_as_tensors_are() -> None:
    for turned, shape in ((split_kernel, (6, 98)), (composition_kernel, (98, 6)), (composition_kernel, (98,))):
        assert tuple(turned(torch.zeros(shape)).shape) == tuple(turned(shape))
