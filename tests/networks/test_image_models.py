"""Image models of spandrel: what is told without building them, published size rules, masks, mixing."""

from __future__ import annotations

import pytest
import torch

from tests.filters import image_networks
from vsrestore.networks import NetworkError, image_models


def state(tmp_path, kind):
    return torch.load(image_networks.checkpoint(tmp_path / f"{kind}.pth", kind), weights_only=True)


@pytest.mark.parametrize(
    ("kind", "architecture", "scale", "channels", "multiple", "padding"),
    [
        ("compact", "Compact", 2, (3, 3), 1, "reflect"),
        ("dncnn", "DnCNN", 1, (1, 1), 1, "reflect"),
        ("rrdbnet", "ESRGAN", 2, (3, 3), 1, "reflect"),
        ("rrdbnet-x1", "ESRGAN", 1, (3, 3), 4, "reflect"),
        ("scunet", "SCUNet", 1, (3, 3), 64, "replicate"),
        ("swinir", "SwinIR", 1, (3, 3), 8, "symmetric"),
        ("swinir-gray", "SwinIR", 1, (1, 1), 8, "symmetric"),
        ("uformer", "Uformer", 1, (3, 3), 128, "reflect"),
    ],
)
def test_what_is_told_of_a_checkpoint(tmp_path, kind, architecture, scale, channels, multiple, padding):
    told = image_models.describe(state(tmp_path, kind))
    traits = told.traits
    assert (told.architecture, traits.scale, told.channels) == (architecture, scale, channels)
    assert (traits.multiple, traits.padding, traits.tiles) == (multiple, padding, True)
    assert (traits.pads_always, told.square) == (architecture == "SwinIR", architecture == "Uformer")
    assert traits.channels == ("luma" if channels == (1, 1) else "rgb")


def test_describing_makes_no_weights(tmp_path, monkeypatch):
    made = []
    descriptor = image_models._descriptor
    monkeypatch.setattr(image_models, "_descriptor", lambda given: made.append(descriptor(given)) or made[0])
    image_models.describe(state(tmp_path, "scunet"))
    real = sum(parameter.numel() for parameter in made[0].model.parameters() if not parameter.is_meta)
    assert real < 0.05 * sum(parameter.numel() for parameter in made[0].model.parameters())


def test_the_shift_masks_of_swinir_are_those_of_its_blocks(tmp_path):
    given = state(tmp_path, "swinir")
    plain, shared = image_models._descriptor(given).model.eval(), image_models.load(given)
    half = image_models.load(given).bfloat16()
    with torch.inference_mode():
        for size in ((24, 40), (16, 16), (24, 40), (8, 8)):
            picture = torch.rand(2, 3, *size)
            exact = plain(picture)
            torch.testing.assert_close(shared(picture), exact, atol=1e-6, rtol=0)
            torch.testing.assert_close(half(picture.bfloat16()).float(), exact, atol=0.05, rtol=0)


def test_what_no_image_model_is(tmp_path):
    with pytest.raises(NetworkError, match="no checkpoint of an image model that spandrel knows \\(its 1 tensors"):
        image_models.describe({"weight": torch.ones(2)})
    with pytest.raises(NetworkError, match="takes it for a network that its tensors do not fit"):
        image_models.describe({"m_head.0.weight": torch.ones(64, 3, 3, 3), "m_tail.0.weight": torch.ones(3, 64, 3, 3)})


def test_tensors_are_mixed_one_by_one():
    one, other = {"params": {"a": torch.tensor([1.0, 2.0])}}, {"a": torch.tensor([3.0, 6.0])}
    assert torch.equal(image_models.mixed(one, other, 0.25)["a"], torch.tensor([2.5, 5.0]))
    with pytest.raises(NetworkError, match="does not fit the checkpoint that it is to be mixed with: 1 missing"):
        image_models.mixed(one, {"b": torch.ones(2)}, 0.5)
