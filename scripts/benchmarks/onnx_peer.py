"""``vsrestore.onnx`` and the same network in PyTorch beside the peer filter ``core.ort.Model``, all on the CPU."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import vapoursynth as vs

import vsrestore
from vsrestore.runtime.apply import apply
from vsrestore.runtime.descriptor import Descriptor, Options, Precision

from .material import moving_clip
from .networks import plain, write_onnx
from .report import Report, Requirement
from .timing import medians, successive

WIDTH, HEIGHT = 640, 480
PEER, OURS, FLOAT32, BFLOAT16 = "ort.Model", "vsrestore.onnx", "torch float32", "torch bfloat16"
# Speed over the peer's.
LEAST = {OURS: 1.0, FLOAT32: 1.0, BFLOAT16: 1.5}


def run(frames: int, repeats: int) -> list[Report]:
    """Compare the four on 640x480 RGBS."""
    clip = moving_clip(frames * (repeats + 1), WIDTH, HEIGHT)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plain.onnx"
        write_onnx(plain(), path)
        filters = {
            PEER: vs.core.ort.Model(clip, network_path=str(path), provider=""),
            OURS: vsrestore.onnx(clip, path, provider="cpu"),
            FLOAT32: _in_torch(clip, "float32"),
            BFLOAT16: _in_torch(clip, "bfloat16"),
        }
        seconds = medians({name: successive(filtered, frames) for name, filtered in filters.items()}, repeats)
    rows = [(name, frames / taken, seconds[PEER] / taken) for name, taken in seconds.items()]
    ratios = {name: seconds[PEER] / seconds[name] for name in LEAST}
    requirements = [Requirement(f"{name} over {PEER}", ratios[name], least=least) for name, least in LEAST.items()]
    settings: dict[str, object] = {"frames": frames, "repeats": repeats}
    return [Report("onnx", ("filter", "fps", f"over {PEER}"), rows, requirements, settings)]


def _in_torch(clip: vs.VideoNode, precision: Precision) -> vs.VideoNode:
    return apply(clip, Descriptor(name="plain"), plain, Options(device="cpu", precision=precision))
