"""Where a run computes unless it is told, and how precisely."""

from contextlib import nullcontext

import pytest
import torch

from vsrestore.devices import pick
from vsrestore.training.machine import machine, safe_precision


def test_the_device_is_the_one_that_filters_take(monkeypatch):
    assert machine().device == pick.pick(None)
    monkeypatch.setattr(pick, "pick", lambda device: torch.device("meta") if device is None else None)
    assert machine().device == torch.device("meta")
    assert machine("cpu").device == torch.device("cpu")


@pytest.mark.parametrize(("native", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_a_card_that_only_imitates_bfloat16_gets_float32(monkeypatch, native, expected):
    monkeypatch.setattr(torch.cuda, "device", nullcontext)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert safe_precision(torch.device("cuda:1")) == expected


@pytest.mark.parametrize(("native", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_a_processor_that_only_imitates_bfloat16_gets_float32(monkeypatch, native, expected):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: native)
    assert safe_precision(torch.device("cpu")) == expected


def test_elsewhere_the_precision_is_the_one_that_is_known_to_work():
    assert {safe_precision(torch.device(name)) for name in ("mps", "xpu")} == {"float32"}


def test_what_is_asked_for_is_taken():
    chosen = machine("cpu", "float32")
    assert (chosen.device, chosen.precision) == (torch.device("cpu"), "float32")
