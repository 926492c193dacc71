import sys
import types

import pytest
import torch
from torch import nn

from vsrestore import networks
from vsrestore.networks import NetworkError


class Tiny(nn.Module):
    def __init__(self, width, bias=True, gain=1.0):
        super().__init__()
        self.gain = gain
        self.conv = nn.Conv2d(3, width, 1, bias=bias)
        self.register_buffer("ramp_index", torch.arange(width))


def _recognise(shapes):
    weight = shapes.get("conv.weight") or shapes.get("old.weight")
    return {"width": weight[0]} if weight and "other.weight" not in shapes else None


def _rename(state_dict):
    return {name.replace("old.", "conv."): tensor for name, tensor in state_dict.items()}


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    module = types.ModuleType("tiny_network")
    module.Tiny, module.recognise, module.rename, module.DERIVED = Tiny, _recognise, _rename, ("_index",)
    second = types.ModuleType("second_network")
    second.Tiny, second.recognise = Tiny, lambda shapes: {"width": 1} if "other.weight" in shapes else None
    monkeypatch.setitem(sys.modules, "tiny_network", module)
    monkeypatch.setitem(sys.modules, "second_network", second)
    monkeypatch.setattr(networks, "ARCHITECTURES", {"tiny": "tiny_network:Tiny", "second": "second_network:Tiny"})


def _state(value=1.0, width=4):
    return {"conv.weight": torch.full((width, 3, 1, 1), value), "conv.bias": torch.zeros(width)}


def test_builds_and_fills_what_it_recognises():
    network = networks.load(_state(2.0, width=5))
    assert isinstance(network, Tiny)
    assert not network.training
    assert torch.equal(network.conv.weight, torch.full((5, 3, 1, 1), 2.0))
    assert torch.equal(network.ramp_index, torch.arange(5))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"params": _state(0.0), "params_ema": state},
        lambda state: {"params": state},
        lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"exp_avg": torch.zeros(3)}},
        lambda state: {"state_dict": {f"generator.{name}": tensor for name, tensor in state.items()}},
        lambda state: {
            "state_dict": {
                "step_counter": torch.zeros(1),
                **{f"generator.{name}": torch.zeros_like(tensor) for name, tensor in state.items()},
                **{f"generator_ema.{name}": tensor for name, tensor in state.items()},
            }
        },
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {"state_dict": {f"module.model.{name}": tensor for name, tensor in state.items()}},
    ],
)
def test_unwraps_what_publishers_wrap_and_prefers_averaged_weights(wrap):
    network = networks.load(wrap(_state(7.0)))
    assert torch.equal(network.conv.weight, torch.full((4, 3, 1, 1), 7.0))


def test_other_layouts_are_renamed():
    state = {name.replace("conv.", "old."): tensor for name, tensor in _state(3.0).items()}
    assert networks.load(state).conv.weight.mean().item() == 3


def test_half_precision_files_fill_float32_networks():
    network = networks.load({name: tensor.half() for name, tensor in _state().items()})
    assert network.conv.weight.dtype == torch.float32


def test_the_networks_tensors_are_its_own():
    state = _state(1.0)
    network = networks.load(state)
    state["conv.weight"].zero_()
    assert network.conv.weight.mean().item() == 1


def test_settings_that_no_shape_shows():
    assert networks.load(_state(), "tiny", gain=0.5).gain == 0.5
    with pytest.raises(NetworkError, match="tiny has no setting 'depth'; it has width, bias, gain"):
        networks.load(_state(), depth=3)


def test_recognises_from_shapes_alone():
    shapes = {f"params.{name}": tuple(tensor.shape) for name, tensor in _state(width=9).items()}
    assert networks.recognise(shapes) == ("tiny", {"width": 9})
    assert networks.recognise(shapes, "tiny") == ("tiny", {"width": 9})


def test_derived_buffers_may_be_there_or_not():
    networks.load({**_state(), "ramp_index": torch.arange(4), "left_over_index": torch.zeros(1)})


def test_missing_unexpected_and_misshapen_tensors_are_told_briefly():
    with pytest.raises(NetworkError, match=r"does not fit tiny: 1 missing \(conv.bias\)"):
        networks.load({"conv.weight": _state()["conv.weight"]})
    extra = {f"extra.{i}": torch.zeros(1) for i in range(9)}
    with pytest.raises(NetworkError, match=r"9 unexpected \(extra.0, extra.1, extra.2 and 6 more\)"):
        networks.load({**_state(), **extra})
    with pytest.raises(NetworkError, match=r"conv.weight \(4, 2, 1, 1\) instead of \(4, 3, 1, 1\)"):
        networks.load({**_state(), "conv.weight": torch.zeros(4, 2, 1, 1)})


def test_another_networks_checkpoint_is_named():
    with pytest.raises(NetworkError, match="no checkpoint of tiny; it is one of second"):
        networks.load({"other.weight": torch.zeros(1)}, "tiny")
    with pytest.raises(NetworkError, match=r"no checkpoint of a known architecture .*its 1 tensors are called foo"):
        networks.recognise({"foo": (1,)})
    with pytest.raises(NetworkError, match="holds no tensors"):
        networks.load({"epoch": 1})
    with pytest.raises(NetworkError, match="unknown architecture 'none'; known are second, tiny"):
        networks.load(_state(), "none")


def test_what_recognise_accepts_load_can_build():
    with pytest.raises(NetworkError, match=r"1 missing \(conv.bias\)"):
        networks.recognise({"conv.weight": (4, 3, 1, 1)})
    with pytest.raises(NetworkError, match="has no setting 'depth'"):
        networks.recognise({"conv.weight": (4, 3, 1, 1), "conv.bias": (4,)}, depth=3)
    assert networks.recognise({"conv.weight": (4, 3, 1, 1), "conv.bias": (4,)}, gain=2)[1] == {"width": 4, "gain": 2}


def test_absurd_shapes_are_told_without_taking_memory():
    with pytest.raises(NetworkError, match=r"conv.weight \(1000000000000, 0\) instead of"):
        networks.recognise({"conv.weight": (10**12, 0), "conv.bias": (0,)})
    with pytest.raises(NetworkError, match="no checkpoint of"):
        networks.recognise({"conv.weight": (), "conv.bias": (4,)})
    with pytest.raises(NetworkError, match="no tiny can be built with the settings"):
        networks.recognise({"conv.weight": (4, 3, 1, 1), "conv.bias": (4,)}, bias=True, width=-1)
