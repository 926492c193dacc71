import pytest
import torch

from vsrestore.networks.state_dict import NetworkError, compare, flatten, shorten, unwrap


def test_flatten_keeps_the_order_of_the_file():
    tensor = torch.zeros(1)
    assert list(flatten({"b": tensor, "a": {"z": tensor, 1: tensor}, "c": [tensor]})) == ["b", "a.z", "a.1"]


def test_unwrap_goes_from_the_outside_in():
    assert [prefix for prefix, _ in unwrap({"state_dict.generator.a": 1, "params": 2})] == [
        "",
        "state_dict.",
        "state_dict.generator.",
    ]


def test_compare_allows_derived_names_to_be_there_or_not():
    compare({"a": (1,), "mean": (3,)}, {"a": (1,)}, "net", ("mean",))
    compare({"a": (1,)}, {"a": (1,), "mean": (3,)}, "net", ("mean",))
    with pytest.raises(NetworkError, match=r"does not fit net: 1 missing \(mean\)"):
        compare({"a": (1,), "mean": (3,)}, {"a": (1,)}, "net")


def test_shorten():
    assert shorten(["a"]) == "a"
    assert shorten("abcde") == "a, b, c and 2 more"


@pytest.mark.parametrize("name", ["body.2000000.weight", "layers.99999999999999999999.0.bias", "enc_1500x1500.weight"])
def test_numbers_that_no_list_of_layers_reaches_are_refused(name):
    """A network would be built with as many layers; 90 seconds went by before the last of two million was refused."""
    with pytest.raises(NetworkError, match="no network numbers its layers so high"):
        list(unwrap({"params.conv.weight": 1, f"params.{name}": 2}))


def test_numbers_in_order_and_those_of_optimizers_are_taken():
    list(unwrap({f"body.{2 * number}.weight": 1 for number in range(3000)}))
    list(unwrap({"body.0.weight": 1, "opt.state.140089351784512.exp_avg": 2}))
