import pytest
import torch
from torch import nn

from vsrestore.networks.state_dict import NetworkError, fill, flatten, shorten, unwrap


def test_flatten_keeps_the_order_of_the_file():
    tensor = torch.zeros(1)
    assert list(flatten({"b": tensor, "a": {"z": tensor, 1: tensor}, "c": [tensor]})) == ["b", "a.z", "a.1"]


def test_unwrap_goes_from_the_outside_in():
    assert [prefix for prefix, _ in unwrap({"state_dict.generator.a": 1, "params": 2})] == [
        "",
        "state_dict.",
        "state_dict.generator.",
    ]


def test_fill_needs_every_tensor_unless_derived():
    with pytest.raises(NetworkError, match=r"2 missing \(running_mean, running_var\)"):
        fill(nn.BatchNorm1d(2), {"weight": torch.ones(2), "bias": torch.ones(2)}, "norm", ("batches_tracked",))


def test_shorten():
    assert shorten(["a"]) == "a"
    assert shorten("abcde") == "a, b, c and 2 more"
