"""The feature loss: the recorded parts and gradient, and every term against a value worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.golden import records
from vsrestore.networks.state_dict import NetworkError
from vsrestore.training.feature_loss import FeatureLoss, gram

CONVOLUTIONS = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)
NAMES = ["pixel", "feat_0", "feat_1", "feat_2", "gram_0", "gram_1", "gram_2"]


@pytest.fixture(scope="module")
def record():
    return records.read("fastai_unet-featureloss")


@pytest.fixture(scope="module")
def seeded_loss(record):
    return FeatureLoss(record.tensors)


@pytest.fixture(scope="module")
def passing():
    """A VGG whose every convolution hands its first channel on, and nothing else; norms do nothing."""
    tensors = {}
    for key, spec in records.layout("fastai_unet-featureloss")[1].items():
        number, last = key.split(".")[1:]
        tensors[key] = torch.zeros(spec["shape"])
        if last == "weight" and int(number) in CONVOLUTIONS:
            tensors[key][0, 0, 1, 1] = 1
        elif last == "weight":
            tensors[key] += 1
        elif last == "running_var":
            tensors[key] += 1 - 1e-5  # what the norm adds before the root
    return tensors


def pictures(record):
    """The recorded pictures in [0, 1]-like RGB, as the loss takes them."""
    mean, std = (torch.tensor(numbers).view(1, 3, 1, 1) for numbers in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return [torch.from_numpy(record.inputs[key]) * std + mean for key in ("in_pred", "in_target")], std


def test_the_record_is_reproduced(record, seeded_loss):
    (restored, target), std = pictures(record)
    restored.requires_grad_()
    parts = seeded_loss.parts(restored, target)
    assert list(parts) == NAMES
    found = torch.stack(list(parts.values()))
    torch.testing.assert_close(found, record.outputs["out_parts"], rtol=1e-4, atol=0)
    found.sum().backward()
    torch.testing.assert_close(found.sum().detach(), record.outputs["out_total"], rtol=1e-4, atol=0)
    gradient = (restored.grad * std)[:, :, ::2, ::2]  # with respect to the normalised picture
    largest = record.outputs["out_grad"].abs().max().item()
    torch.testing.assert_close(gradient, record.outputs["out_grad"], rtol=0, atol=1e-3 * largest)


def test_every_term_is_what_the_hand_gives(passing):
    """Gray pictures whose red is 0.9 and 0.4 when normalised: so is channel 0 of C everywhere, all others are 0."""
    restored, target = (normalised * 0.229 + 0.485 for normalised in (0.9, 0.4))
    blank = torch.zeros(2, 3, 32, 48)
    differences = [(restored - target) / std for std in (0.229, 0.224, 0.225)]
    expected = {"pixel": sum(differences) / 3}
    for index, (weight, channels) in enumerate(((5, 256), (15, 512), (2, 512))):
        expected[f"feat_{index}"] = weight * 0.5 / channels
        expected[f"gram_{index}"] = 5000 * weight**2 * (0.9**2 - 0.4**2) / channels / channels**2
    expected["feature_mse"] = 0.25 * sum(difference**2 for difference in differences) / 3
    loss = FeatureLoss(passing, mse=0.25)
    parts = {name: part.item() for name, part in loss.parts(blank + restored, blank + target).items()}
    assert parts == pytest.approx(expected, rel=1e-4)
    assert loss(blank + restored, blank + target).item() == pytest.approx(sum(expected.values()), rel=1e-4)


def test_gram_is_what_the_hand_gives():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]], [[[0.0, 1.0]], [[1.0, 1.0]]]])
    expected = torch.tensor([[[5.0, 1.0], [1.0, 10.0]], [[1.0, 1.0], [1.0, 2.0]]]) / (2 * 1 * 2)
    torch.testing.assert_close(gram(features), expected)


def test_equal_pictures_cost_nothing(seeded_loss):
    picture = torch.rand(1, 3, 16, 16)
    assert seeded_loss(picture, picture).item() == 0


def test_it_is_frozen(seeded_loss):
    before = {name: tensor.clone() for name, tensor in seeded_loss.state_dict().items()}
    seeded_loss.train()
    seeded_loss(torch.rand(1, 3, 16, 16, requires_grad=True), torch.rand(1, 3, 16, 16)).backward()
    assert not [parameter for parameter in seeded_loss.parameters() if parameter.requires_grad]
    assert not [part for part in seeded_loss.modules() if part.training]
    assert all(torch.equal(tensor, before[name]) for name, tensor in seeded_loss.state_dict().items())


def test_a_file_with_classifier_and_without_counters_is_taken(passing):
    tensors = {name: tensor for name, tensor in passing.items() if not name.endswith("num_batches_tracked")}
    loss = FeatureLoss({**tensors, "classifier.0.weight": torch.zeros(1)})
    assert np.isfinite(loss(torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)).item())


def test_other_tensors_are_refused(passing):
    with pytest.raises(NetworkError, match=r"does not fit vgg16_bn: 1 missing \(features.3.bias\)"):
        FeatureLoss({name: tensor for name, tensor in passing.items() if name != "features.3.bias"})
    with pytest.raises(NetworkError, match="does not fit vgg16_bn: 78 missing"):
        FeatureLoss({"conv1.weight": torch.zeros(1)})
