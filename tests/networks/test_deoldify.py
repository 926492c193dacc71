"""DeOldify: settings from tensors, the layouts it is published in, odd sizes on the way, folding, precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.filters import seeded
from tests.golden import records
from vsrestore import networks
from vsrestore.networks import deoldify
from vsrestore.networks.layers.normed_conv import SpectralConv, WeightNormConv

WIDE = {**seeded.DEOLDIFY, "bottleneck": True, "convs": 1}
CONFIGS = {
    "deoldify-artistic": {
        **{"blocks": [3, 4, 6, 3], "bottleneck": False, "stem": 64, "convs": 2},
        **{"ups": [256, 384, 384, 336, 300], "widths": [768, 768, 672, 300]},
    },
    "deoldify-video": {
        **{"blocks": [3, 4, 23, 3], "bottleneck": True, "stem": 64, "convs": 1},
        **{"ups": [512, 512, 512, 256, 256], "widths": [512, 512, 512, 256]},
    },
}


@pytest.mark.parametrize("name", CONFIGS)
def test_settings_are_read_off_every_published_layout(name):
    shapes = {key: tuple(spec["shape"]) for key, spec in records.layout(name)[1].items()}
    assert networks.recognise(shapes) == ("deoldify", CONFIGS[name])


@pytest.mark.parametrize("settings", [seeded.DEOLDIFY, WIDE])
@pytest.mark.parametrize("size", [(32, 32), (50, 38)])
def test_folding_changes_nothing(settings, size):
    tensors = seeded.tensors("deoldify", **settings)
    loose = deoldify.DeOldify(**settings).eval()
    loose.load_state_dict(tensors)
    folded = networks.load(tensors)
    left = [part for part in folded.modules() if isinstance(part, SpectralConv | WeightNormConv)]
    assert not left
    assert not [part for part in folded.layers[0].modules() if isinstance(part, nn.BatchNorm2d)]
    image = torch.rand(1, 3, *size)
    with torch.inference_mode():
        found, expected = folded(image), loose(image)
    assert found.shape == image.shape
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_published_packagings():
    tensors, image = seeded.tensors("deoldify", **seeded.DEOLDIFY), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        expected = networks.load(tensors)(image)
        for wrapped in ({"model": tensors}, {"model": tensors, "opt": {"state": torch.zeros(3)}}):
            assert torch.equal(networks.load(wrapped)(image), expected)


def test_bf16_is_near():
    tensors, image = seeded.tensors("deoldify", **seeded.DEOLDIFY), torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = networks.load(tensors)(image)
        found = networks.load(tensors).bfloat16()(image.bfloat16())
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).abs().mean() < 0.05


def test_painter_gives_gray_and_chroma():
    painter = deoldify.DeOldifyPainter(networks.load(seeded.tensors("deoldify", **seeded.DEOLDIFY)), 32, span=2.0)
    frames = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        painted = painter(frames)
        red, green, blue = painter.network(painted[:, :1].expand(-1, 3, -1, -1)).clamp(0, 1).unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    expected = torch.stack((0.492 * (blue - luma), 0.877 * (red - luma)), dim=1)
    torch.testing.assert_close((painted[:, 1:] - 0.5) * 2, expected, atol=1e-4, rtol=0)
    gray = frames[:, 0] * 0.299 + frames[:, 1] * 0.587 + frames[:, 2] * 0.114
    torch.testing.assert_close(painted[:, 0], gray, atol=1e-5, rtol=0)


def test_other_networks_are_not_recognised():
    assert deoldify.recognise({"layers.0.weight": (3, 3, 3, 3)}) is None
