"""``basicvsrpp`` beside the PyPI package ``vsbasicvsrpp``, which needs an NVIDIA GPU, in float16.

Both get the same seeded weights, the same clip and the same chunks: the peer's have no overlap, so ours have none here.
How far each is from our float32 picture tells whether one is faster by being less exact.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
import vapoursynth as vs

import vsrestore
from vsrestore.comparison.measures import psnr
from vsrestore.networks.basicvsrpp import DERIVED, BasicVSRpp
from vsrestore.video.frames import plane_views

from .material import moving_clip
from .published import seeded
from .report import Cell, Report, Requirement
from .timing import Run, medians

PEER = "vsbasicvsrpp"
SIZES = ((320, 180), (640, 480))
CHUNK = 15
LEAST = 1.5
NEARER = -1.0
"""dB that our picture may be farther from the float32 one than the peer's."""

# The peer's model 1 and its SPyNet, by the names of the files in its folder of models.
MODEL, MODEL_FILE = 1, "basicvsr_plusplus_c64n7_8x1_300k_vimeo90k_bi_20210305-4ef437e2.pth"
FLOW_FILE = "spynet_20210409-c6c1bd09.pth"
COLUMNS = ("filter", "size", "fps", "dB to our float32 picture")

Filter = Callable[[vs.VideoNode], vs.VideoNode]


class Filters(NamedTuple):
    """What is compared; all take an RGBS clip."""

    ours: Filter
    exact: Filter
    """Ours in float32."""

    peer: Filter


def run(repeats: int) -> list[Report]:
    """Time both on one chunk after another, or say why that cannot be done here."""
    missing = obstacle()
    if missing:
        left_out = [(PEER, f"{width}x{height}", missing, "") for width, height in SIZES]
        return [Report("basicvsrpp-peer", COLUMNS, left_out)]
    with TemporaryDirectory() as name:
        write_weights(Path(name))
        filters = on_gpu(Path(name), importlib.import_module(PEER))
        rows, requirements = [], []
        for size in SIZES:
            found, required = compare(filters, size, CHUNK, repeats)
            rows += found
            requirements += required
    return [Report("basicvsrpp-peer", COLUMNS, rows, requirements, {"repeats": repeats, "chunk": CHUNK})]


def obstacle() -> str | None:
    """Return what keeps the peer from running; None if nothing does."""
    if not torch.cuda.is_available():
        return "not run: no GPU"
    return None if find_spec(PEER) else f"not run: {PEER} is not installed"


def on_gpu(folder: Path, peer: ModuleType) -> Filters:
    """Return the filters with the weights that ``write_weights`` left in a folder."""
    settings: dict[str, Any] = {"chunk": CHUNK, "overlap": 0, "device": "cuda", "scene_changes": False}

    def theirs(clip: vs.VideoNode) -> vs.VideoNode:
        half = clip.resize.Point(format=vs.RGBH)
        with patch.object(peer, "model_dir", str(folder)):
            return peer.basicvsrpp(half, model=MODEL, length=CHUNK).resize.Point(format=vs.RGBS)

    def ours(clip: vs.VideoNode) -> vs.VideoNode:
        half = clip.resize.Point(format=vs.RGBH)
        restored = vsrestore.basicvsrpp(half, folder / MODEL_FILE, precision="float16", **settings)
        return restored.resize.Point(format=vs.RGBS)

    def exact(clip: vs.VideoNode) -> vs.VideoNode:
        return vsrestore.basicvsrpp(clip, folder / MODEL_FILE, precision="float32", **settings)

    return Filters(ours, exact, theirs)


def write_weights(folder: Path) -> None:
    """Save seeded weights under the names, of files and of tensors, that the peer and the published models have."""
    network = seeded(BasicVSRpp(channels=64, blocks=7), 0.85)
    tensors = {f"generator.{name}": value for name, value in network.state_dict().items()}
    buffers = {f"generator.spynet.{name}": value for name, value in network.spynet.named_buffers()}
    torch.save({"state_dict": tensors | buffers}, folder / MODEL_FILE)
    flow = {name: value for name, value in network.spynet.state_dict().items() if not name.endswith(DERIVED)}
    torch.save(flow, folder / FLOW_FILE)


def compare(
    filters: Filters, size: tuple[int, int], chunk: int, repeats: int
) -> tuple[list[tuple[Cell, ...]], list[Requirement]]:
    """Return the rows of one size and what must be reached."""
    width, height = size
    clip = moving_clip(chunk * (repeats + 1), width, height)
    clips = {"vsrestore": filters.ours(clip), PEER: filters.peer(clip)}
    seconds = medians({name: in_order(done, chunk) for name, done in clips.items()}, repeats)
    truth = pictures(filters.exact(clip), chunk)
    errors = {
        name: float(np.square(pictures(done, chunk) - truth).mean(dtype=np.float64)) for name, done in clips.items()
    }
    near = {name: psnr(error) for name, error in errors.items()}
    label = f"{width}x{height}"
    rows: list[tuple[Cell, ...]] = [(name, label, chunk / seconds[name], near[name]) for name in clips]
    speed, nearer = seconds[PEER] / seconds["vsrestore"], near["vsrestore"] - near[PEER]
    return rows, [
        Requirement(f"{label}: times as fast as {PEER}", speed, least=LEAST),
        Requirement(f"{label}: dB nearer to float32 than {PEER}", nearer, least=NEARER),
    ]


def in_order(clip: vs.VideoNode, count: int) -> Run:
    """Return a run over the next frames, one after another: the peer's picture depends on the order of requests."""
    starts = iter(range(0, clip.num_frames, count))

    def ask() -> None:
        start = next(starts)
        for n in range(start, start + count):
            clip.get_frame(n).close()

    return ask


def pictures(clip: vs.VideoNode, count: int) -> np.ndarray:
    """Return the first frames of an RGBS clip, asked for in order, as (T, 3, H, W) in [0, 1]."""
    return np.stack([np.stack(plane_views(clip.get_frame(n))) for n in range(count)]).clip(0, 1)
