"""DDColor: settings from tensors, the layouts it is published in, folding, precision, its painter."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.filters import seeded
from tests.golden import records
from vsrestore import networks
from vsrestore.networks import ddcolor
from vsrestore.networks.layers.normed_conv import SpectralConv

CONFIGS = {
    "ddcolor-tiny": {"depths": [3, 3, 9, 3], "widths": [96, 192, 384, 768]},
    "ddcolor-large": {"depths": [3, 3, 27, 3], "widths": [192, 384, 768, 1536]},
}


@pytest.fixture(scope="module")
def tensors():
    return seeded.tensors("ddcolor", **seeded.DDCOLOR)


@pytest.fixture(scope="module")
def image():
    return torch.rand(2, 1, 32, 64, generator=torch.Generator().manual_seed(1)).expand(-1, 3, -1, -1)


def loose(tensors):
    network = ddcolor.DDColor(**seeded.DDCOLOR).eval()
    network.load_state_dict(tensors)
    return network


@pytest.mark.parametrize("name", CONFIGS)
def test_settings_are_read_off_every_published_layout(name):
    shapes = {key: tuple(spec["shape"]) for key, spec in records.layout(name)[1].items()}
    fixed = {"features": [512, 512, 256], "hidden": 256, "queries": 100, "layers": 9, "feedforward": 2048}
    assert networks.recognise(shapes) == ("ddcolor", {**CONFIGS[name], **fixed})


def test_folding_changes_nothing_and_leaves_no_spectral_norm(tensors, image):
    folded = networks.load(tensors)
    assert not [part for part in folded.modules() if isinstance(part, SpectralConv)]
    assert sum(isinstance(part, nn.BatchNorm2d) for part in folded.modules()) == 6  # of skips, and after a ReLU
    with torch.inference_mode():
        torch.testing.assert_close(folded(image), loose(tensors)(image), atol=1e-4, rtol=1e-4)


def test_maps_of_single_colours_need_not_be_made(tensors, image):
    """The published order: a map of the picture for each colour, then a convolution over all maps and the picture."""
    network = loose(tensors)
    with torch.inference_mode():
        x = (image - network.mean) / network.std
        phases, colours = network.decoder(network.encoder["arch"](x))
        pixels = network.decoder.last_shuf.shuffled(phases)
        maps = torch.einsum("nqc,nchw->nqhw", colours, pixels)
        expected = network.refine_net(torch.cat((maps, x), dim=1))
        torch.testing.assert_close(network(image), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"params": state}])
def test_published_packagings(tensors, image, wrap):
    extra = {
        "encoder.arch.head_cls.weight": torch.zeros(1000, 16),
        "encoder.arch.head_cls.bias": torch.zeros(1000),
        **{f"encoder.arch.norm.{kind}": torch.zeros(16) for kind in ("weight", "bias")},
        **{name: torch.zeros(1, 3, 1, 1) for name in ("mean", "std")},
    }
    with torch.inference_mode():
        assert torch.equal(networks.load(wrap(tensors | extra))(image), networks.load(tensors)(image))


def test_bf16_is_near(tensors, image):
    with torch.inference_mode():
        expected = networks.load(tensors)(image)
        found = networks.load(tensors).bfloat16()(image.bfloat16())
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).abs().mean() < 0.05 * expected.std()


def test_painter_gives_gray_and_colours_of_gray_alone(tensors):
    painter = ddcolor.DDColorPainter(networks.load(tensors), 32, span=512.0)
    gray = torch.rand(1, 1, 24, 40)
    with torch.inference_mode():
        painted = painter(gray.expand(-1, 3, -1, -1))
        square = torch.nn.functional.interpolate(gray, (32, 32), mode="bilinear")
        colours = painter.network(square.expand(-1, 3, -1, -1))
    torch.testing.assert_close(painted[:, :1], square, atol=1e-5, rtol=0)
    torch.testing.assert_close((painted[:, 1:] - 0.5) * 512, colours, atol=1e-2, rtol=1e-3)


def test_other_networks_are_not_recognised():
    assert ddcolor.recognise({"conv.weight": (3, 3, 3, 3)}) is None
