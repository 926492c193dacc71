"""Networks on their device: precisions, layouts, parts, and memory that goes back."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import nn

from tests.runtime import networks as nets
from vsrestore.devices import parts
from vsrestore.devices.parts import Networks, Part, Parts

CPU = torch.device("cpu")


class Convolutions(nn.Module):
    """Over pictures, over sequences of them, and over signals."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures = nn.Conv2d(4, 8, 3)
        self.sequences = nn.Conv3d(4, 8, 3)
        self.signals = nn.Conv1d(4, 8, 3)


def test_kernels_of_every_dimension_are_laid_out_with_channels_last() -> None:
    network = Networks(Convolutions, lambda: CPU).get("float32")
    assert network.pictures.weight.is_contiguous(memory_format=torch.channels_last)
    assert network.sequences.weight.is_contiguous(memory_format=torch.channels_last_3d)
    plain = Networks(Convolutions, lambda: CPU, channels_last=False).get("float32")
    assert plain.sequences.weight.is_contiguous()


def test_what_stood_in_for_half_precision_is_not_kept() -> None:
    networks = Networks(lambda: nets.Scale(2.0), lambda: CPU)
    networks.get("bfloat16")
    with networks.instead("float32") as precision:
        whole = weakref.ref(networks.get(precision))
    gc.collect()
    assert whole() is None
    assert list(networks._built) == ["bfloat16"]


def test_memory_goes_back_after_the_network_has_died(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[bool] = []
    networks = Networks(lambda: nets.Scale(2.0), lambda: CPU)
    weight = weakref.ref(networks.get("float32").weight)
    monkeypatch.setattr(parts, "empty_cache", lambda: alive.append(weight() is not None))
    del networks
    gc.collect()
    assert alive == [False]


def test_parts_are_built_and_joined_by_name() -> None:
    both = Parts({"encoder": Part(lambda: nets.Scale(0.5), "bfloat16"), "decoder": Part(lambda: nets.Scale(2.0))}, dict)
    made = Networks(both, lambda: CPU).get("float32")
    assert {name: part.weight.dtype for name, part in made.items()} == {
        "encoder": torch.bfloat16,
        "decoder": torch.float32,
    }


def test_a_part_that_rests_elsewhere_is_on_the_device_while_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    moves: list[torch.device] = []
    there = torch.device("cuda")  # stands in: nothing is really moved
    move = nn.Module.to

    def noted(module: nn.Module, *where: object, **named: object) -> nn.Module:
        if where and isinstance(where[0], torch.device):
            moves.append(where[0])
            return module
        return move(module, *where, **{**named, "device": None})

    monkeypatch.setattr(nn.Module, "to", noted)
    resting = Parts({"vae": Part(lambda: nets.Scale(2.0), rests_on="machine")}, lambda made: made["vae"])
    network = Networks(resting, lambda: there).get("float32")
    assert moves == []
    network(torch.ones(1))
    assert moves == [there, CPU]
