"""fastai's U-Net: settings from tensors, the layouts it is saved in, odd sizes on the way, folding, training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.filters import seeded
from tests.golden import records
from vsrestore import networks
from vsrestore.networks import fastai_unet
from vsrestore.networks.layers.normed_conv import SpectralConv, WeightNormConv

RESNET34 = {
    **{"blocks": [3, 4, 6, 3], "bottleneck": False, "stem": 64},
    **{"ups": [256, 256, 192, 128, 96], "widths": [512, 384, 256, 96]},
}
PARAMETERS = {"fastai_unet-resnet34": 41_229_213, "fastai_unet-resnet34-sa": 41_413_534}


@pytest.fixture
def tensors():
    return seeded.tensors("fastai_unet", **seeded.FASTAI_UNET)


def shapes_of(record: str) -> dict[str, tuple[int, ...]]:
    return {key: tuple(spec["shape"]) for key, spec in records.layout(record)[1].items()}


@pytest.mark.parametrize("record", PARAMETERS)
def test_settings_are_read_off_what_fastai_saves(record):
    attention = record.endswith("-sa")
    told = {"attention": attention, "y_range": (-3, 3) if attention else ()}
    assert networks.recognise(shapes_of(record)) == ("fastai_unet", {**RESNET34, **told})


@pytest.mark.parametrize("record", PARAMETERS)
def test_it_has_the_published_number_of_parameters(record):
    with torch.device("meta"):
        network = fastai_unet.FastaiUNet(attention=record.endswith("-sa"))
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[record]


@pytest.mark.parametrize(
    "settings",
    [seeded.FASTAI_UNET, {**seeded.FASTAI_UNET, "attention": True}, {**seeded.FASTAI_UNET, "bottleneck": True}],
)
@pytest.mark.parametrize("size", [(32, 32), (74, 90), (2, 2)])
def test_folding_changes_nothing(settings, size):
    tensors = seeded.tensors("fastai_unet", **settings)
    loose = fastai_unet.FastaiUNet(**settings, y_range=(-3, 3) if "attention" in settings else ()).eval()
    loose.load_state_dict(tensors)
    folded = networks.load(tensors)
    assert not [part for part in folded.modules() if isinstance(part, SpectralConv | WeightNormConv)]
    assert not [part for part in folded.layers[0].modules() if isinstance(part, nn.BatchNorm2d)]
    image = torch.rand(1, 3, *size)
    with torch.inference_mode():
        found, expected = folded(image), loose(image)
    assert found.shape == image.shape
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def later_norm(tensors):
    """The tensors as PyTorch's later weight norm names them."""
    endings = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    plain = (name.rpartition(".") for name in tensors)
    return {f"{path}.{endings.get(last, last)}": tensors[f"{path}.{last}"] for path, _, last in plain}


def odd_size(tensors):
    """The tensors as they are numbered after training at an odd size."""
    numbers = (name.split(".", 2) for name in tensors)
    shifted = [".".join((a, str(int(n) + (int(n) > 9)), rest)) for a, n, rest in numbers]
    return dict(zip(shifted, tensors.values(), strict=True))


@pytest.mark.parametrize(
    "packed",
    [
        lambda tensors: {"model": tensors},
        lambda tensors: {"model": tensors, "opt": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []}},
        later_norm,
        odd_size,
        lambda tensors: odd_size(later_norm(tensors)),
    ],
)
def test_layouts_that_fastai_saves(packed, tensors):
    image, wrapped = torch.rand(1, 3, 32, 32), packed(tensors)
    assert wrapped.keys() != tensors.keys()
    with torch.inference_mode():
        assert torch.equal(networks.load(wrapped)(image), networks.load(tensors)(image))


def test_settings_that_no_shape_shows_change_the_picture(tensors):
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        plain, blurred, bounded = (
            networks.load(tensors, **told)(image) for told in ({}, {"legacy_blur": True}, {"y_range": (-0.1, 0.1)})
        )
    assert not torch.equal(plain, blurred)
    network = networks.load(tensors)
    assert ((bounded - network.mean) / network.std).abs().max() < 0.1 + 1e-5


def test_bf16_is_near(tensors):
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = networks.load(tensors)(image)
        found = networks.load(tensors).bfloat16()(image.bfloat16())
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).abs().mean() < 0.05


def test_training_lowers_the_loss():
    torch.manual_seed(1)
    network = fastai_unet.FastaiUNet(**seeded.FASTAI_UNET)
    network.initialise()
    weight = network.layers[3][0][0]
    torch.testing.assert_close(weight.weight, weight.weight_v)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    target = torch.rand(2, 3, 32, 32)
    losses = []
    for _ in range(12):
        loss = (network(target * 0.5) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert losses[-1] < 0.7 * losses[0]


def test_self_attention_is_not_trained():
    with pytest.raises(ValueError, match="fastai_unet with self-attention cannot be trained here; build it without"):
        fastai_unet.FastaiUNet(**seeded.FASTAI_UNET, attention=True).initialise()


def test_a_square_is_seen_and_the_frame_comes_back():
    class Halved(nn.Conv2d):
        def forward(self, x):
            self.seen = x.shape
            return x / 2

    network = Halved(1, 1, 1)
    repair = fastai_unet.FrameRepair(network, 32, 1.5)
    frames = torch.full((1, 3, 20, 30), 0.4)
    torch.testing.assert_close(repair(frames), frames * 0.75)
    assert network.seen == (1, 3, 32, 32)
    assert fastai_unet.FrameRepair(network, None, 1.0)(frames).shape == network.seen == frames.shape


def test_other_networks_are_not_recognised():
    assert fastai_unet.recognise(shapes_of("deoldify-artistic")) is None
    assert networks.recognise(shapes_of("deoldify-artistic"))[0] == "deoldify"
    assert fastai_unet.recognise({"layers.0.weight": (3, 3, 3, 3)}) is None
