"""TCVC as a filter: the published picture, shots and chunks, references of every kind, parts in colour left alone."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import seeded
from tests.golden import records
from vsrestore import networks
from vsrestore.checkpoints import read
from vsrestore.filters import tcvc
from vsrestore.filters.checkpoint import recognised
from vsrestore.networks import tcvc_lab
from vsrestore.networks.tcvc import TCVC
from vsrestore.runtime.descriptor import Options

SIZE = (48, 32)
SMALL = {"render_size": SIZE, "device": "cpu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded.tcvc_folder(tmp_path_factory.mktemp("tcvc"))


@pytest.fixture(autouse=True)
def first_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path / "user"))
    return tmp_path / "user" / "first-pass"


def eight_bits(frames: np.ndarray) -> vs.VideoNode:
    """A clip of pictures (T, H, W, 3) uint8."""
    return seeded.as_clip(frames.transpose(0, 3, 1, 2).astype(np.float32) / 255).resize.Point(format=vs.RGB24)


def off(found: vs.VideoNode, expected: torch.Tensor) -> np.ndarray:
    """How far pictures are from recorded ones (T, H, W, 3), which are cut off to 8 bits."""
    pictures = np.floor(255 * seeded.as_frames(found).transpose(0, 2, 3, 1) + 1e-3)
    return np.abs(pictures - expected.numpy())


@pytest.mark.slow
def test_the_pipeline_is_reproduced(tmp_path: Path) -> None:
    record = records.read("tcvc-pipeline")
    files = zip(("encoder", "decoder"), seeded.tcvc_files(record.tensors), strict=True)
    for part, tensors in files:
        torch.save(tensors, tmp_path / part)
    source, reference = eight_bits(record.inputs["in_gray"]), eight_bits(record.inputs["in_ref"][None])
    model = {"encoder": tmp_path / "encoder", "decoder": tmp_path / "decoder"}
    told = {"model": model, "render_size": record.config["network_size"][0], "device": "cpu"}
    wrong = off(vsrestore.tcvc(source, reference, format=vs.RGBS, **told), record.outputs["out_rgb"])
    assert wrong.max() <= 2
    assert (wrong > 1).mean() < 1e-3


@pytest.mark.slow
def test_the_first_stage_is_reproduced(tmp_path: Path) -> None:
    record = records.read("tcvc-stage1")
    torch.save(record.tensors, tmp_path / "first.pth")
    found = recognised("tcvc", tmp_path / "first.pth", "tcvc_colour_net")
    seen = eight_bits(record.inputs["in_gray"][None]).resize.Point(format=vs.RGBS)
    size = tuple(record.config["network_size"][::-1])
    painted = tcvc.first_stage(seen, found, size, Options(device="cpu"))
    wrong = off(painted.resize.Point(format=vs.RGBS), record.outputs["out_rgb"][None])
    assert wrong.max() <= 1
