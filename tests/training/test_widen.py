"""Wider networks that go on from narrow ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from vsrestore.networks.state_dict import NetworkError
from vsrestore.training import run
from vsrestore.training.recipe import NetworkRecipe, Recipe
from vsrestore.training.widen import widened

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "scratch_repair": ({"width": 4, "tall": 6}, {"width": 6, "tall": 12}),
    "stain_repair": ({"width": 4, "widths": [8, 12, 16]}, {"width": 6, "widths": [12, 18, 40]}),
}


def recipe(architecture: str, settings: dict[str, Any], weights: str = "", *, widened: bool = False) -> Recipe:
    return Recipe("scratches", network=NetworkRecipe(architecture, weights, widened=widened, settings=settings))


def trained(architecture: str, settings: dict[str, Any], path: Path) -> run.Trained:
    """A network none of whose tensors is nought, and its checkpoint."""
    torch.manual_seed(3)
    network = run.build(recipe(architecture, settings))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    return network


@pytest.mark.parametrize("architecture", CASES)
def test_a_wider_network_begins_with_what_the_narrow_one_computes(architecture: str, tmp_path: Path) -> None:
    narrow_settings, wide_settings = CASES[architecture]
    narrow = trained(architecture, narrow_settings, tmp_path / "narrow.safetensors")
    wide = run.build(recipe(architecture, wide_settings, str(tmp_path / "narrow.safetensors"), widened=True))
    frames = torch.rand(1, 9, 3, 64, 64)
    windows = torch.arange(2 * narrow.radius + 1)[None]
    with torch.inference_mode():
        ours, theirs = (network.eval().restore(frames, windows)[0] for network in (wide, narrow))
    assert (theirs - frames[:, narrow.radius, None]).abs().max() > 0.01
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_copies_of_a_channel_are_read_unequally() -> None:
    name, ones = "layer.weight", torch.ones(2, 3, 3, 3)
    kernel = widened({name: ones}, {name: torch.empty(2, 6, 3, 3)})[name]
    torch.testing.assert_close(kernel[:, :3] + kernel[:, 3:], ones)
    assert (kernel[:, :3] - kernel[:, 3:]).abs().min() > 1e-4


@pytest.mark.parametrize("widens", [False, True])
def test_weights_of_a_wider_network_are_refused(widens: bool, tmp_path: Path) -> None:
    narrow_settings, wide_settings = CASES["scratch_repair"]
    trained("scratch_repair", wide_settings, tmp_path / "wide.safetensors")
    with pytest.raises(NetworkError, match="enter"):
        run.build(recipe("scratch_repair", narrow_settings, str(tmp_path / "wide.safetensors"), widened=widens))


def test_weights_of_a_narrow_network_are_refused_unless_asked_for(tmp_path: Path) -> None:
    narrow_settings, wide_settings = CASES["scratch_repair"]
    trained("scratch_repair", narrow_settings, tmp_path / "narrow.safetensors")
    with pytest.raises(NetworkError, match="enter"):
        run.build(recipe("scratch_repair", wide_settings, str(tmp_path / "narrow.safetensors")))
