from __future__ import annotations

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


@pytest.fixture(scope="module")
def average(script):
    return script("average_weights").average


def checkpoint(folder, name, values):
    path = folder / f"{name}.safetensors"
    save_file({"layer.weight": torch.tensor(values)}, path, {"architecture": name})
    return path


def test_each_has_its_share(average, tmp_path):
    shares = {checkpoint(tmp_path, "before", [0.0, 8.0]): 0.25, checkpoint(tmp_path, "after", [4.0, 0.0]): 0.75}
    average(shares, tmp_path / "mean.safetensors")
    torch.testing.assert_close(load_file(tmp_path / "mean.safetensors"), {"layer.weight": torch.tensor([3.0, 2.0])})
    with safe_open(tmp_path / "mean.safetensors", "pt") as mean:
        assert mean.metadata() == {"architecture": "after"}


@pytest.mark.parametrize(("values", "share", "says"), [([1.0], 0.5, "different"), ([1.0, 2.0], 0.6, "add up to 1.1")])
def test_what_cannot_be_averaged_is_refused(average, tmp_path, values, share, says):
    shares = {checkpoint(tmp_path, "before", [0.0, 8.0]): 0.5, checkpoint(tmp_path, "after", values): share}
    with pytest.raises(ValueError, match=says):
        average(shares, tmp_path / "mean.safetensors")
    assert not (tmp_path / "mean.safetensors").exists()
