"""Several networks in one file, each under a prefix of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import vapoursynth as vs
from safetensors.torch import save_file

from tests.filters import seeded
from vsrestore.devices.parts import Networks, Part, Parts
from vsrestore.filters.checkpoint import recognised_parts

PARTS = {"first.": "mmp_rnn", "second.model.": "sf_adacof"}
SETTINGS = {"mmp_rnn": seeded.MMP_RNN, "sf_adacof": seeded.SF_ADACOF}


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    return {
        prefix + key: tensor
        for prefix, architecture in PARTS.items()
        for key, tensor in seeded.tensors(architecture, **SETTINGS[architecture]).items()
    }


def test_the_parts_of_a_file_are_networks_of_their_own(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, tmp_path / "both.safetensors")
    checkpoints = recognised_parts("toy", tmp_path / "both.safetensors", PARTS)
    assert checkpoints["first."].settings["features"] == seeded.MMP_RNN["features"]
    whole = Parts({prefix: Part(checkpoint.build) for prefix, checkpoint in checkpoints.items()}, dict)
    networks = Networks(whole, lambda: torch.device("cpu")).get("float32")
    built = networks["second.model."].state_dict()
    alone = seeded.tensors("sf_adacof", **seeded.SF_ADACOF)
    assert any(torch.equal(built[key], alone[key]) for key in built.keys() & alone.keys())
    assert type(networks["first."]).__name__ == "MMPRNN"


def test_every_tensor_belongs_to_a_part(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file({**tensors, "third.weight": torch.zeros(1)}, tmp_path / "both.safetensors")
    with pytest.raises(vs.Error, match=r"toy: .*both.safetensors holds third.weight, which is of none of its networks"):
        recognised_parts("toy", tmp_path / "both.safetensors", PARTS)


@pytest.mark.parametrize("lost", ["first.skip.weight", "second.model."])
def test_every_part_is_there_as_a_whole(tmp_path: Path, tensors: dict[str, torch.Tensor], lost: str) -> None:
    left = {key: tensor for key, tensor in tensors.items() if not key.startswith(lost)}
    save_file(left, tmp_path / "part.safetensors")
    with pytest.raises(vs.Error, match=r"^toy: "):
        recognised_parts("toy", tmp_path / "part.safetensors", PARTS)
