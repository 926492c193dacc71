"""``vsrestore.onnx`` and the same network in PyTorch beside the peer filter ``core.ort.Model``, all on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import vapoursynth as vs

import vsrestore
from vsrestore.runtime.apply import apply
from vsrestore.runtime.descriptor import Descriptor, Options, Precision

from .material import moving_clip
from .networks import plain, write_onnx
from .process import Rival, take_turns
from .report import Report, Requirement
from .timing import medians, successive

WIDTH, HEIGHT = 640, 480
PEER, OURS, FLOAT32, BFLOAT16 = "ort.Model", "vsrestore.onnx", "torch float32", "torch bfloat16"
# Speed over the peer's.
LEAST = {OURS: 1.0, FLOAT32: 1.0, BFLOAT16: 1.5}


def run(frames: int, repeats: int) -> list[Report]:
    """Compare the four on 640x480 RGBS, each in a process of its own; they take turns."""
    with TemporaryDirectory() as folder, ExitStack() as running:
        path = Path(folder) / "plain.onnx"
        write_onnx(plain(), path)
        arguments = (path, frames, repeats)
        rivals = {name: running.enter_context(Rival("onnx_peer", name, *arguments)) for name in FILTERS}
        seconds = medians(rivals, repeats, lambda rival: cast("float", rival()))
    rows = [(name, frames / taken, seconds[PEER] / taken) for name, taken in seconds.items()]
    ratios = {name: seconds[PEER] / seconds[name] for name in LEAST}
    requirements = [Requirement(f"{name} over {PEER}", ratios[name], least=least) for name, least in LEAST.items()]
    settings: dict[str, object] = {"frames": frames, "repeats": repeats}
    return [Report("onnx", ("filter", "fps", f"over {PEER}"), rows, requirements, settings)]


def _in_torch(clip: vs.VideoNode, precision: Precision) -> vs.VideoNode:
    return apply(clip, Descriptor(name="plain"), plain, Options(device="cpu", precision=precision))


FILTERS: dict[str, Callable[[vs.VideoNode, Path], vs.VideoNode]] = {
    PEER: lambda clip, path: vs.core.ort.Model(clip, network_path=str(path), provider=""),
    OURS: lambda clip, path: vsrestore.onnx(clip, path, provider="cpu"),
    FLOAT32: lambda clip, _: _in_torch(clip, "float32"),
    BFLOAT16: lambda clip, _: _in_torch(clip, "bfloat16"),
}


def _rival(name: str, path: str, frames: str, repeats: str) -> None:
    clip = moving_clip(int(frames) * (int(repeats) + 1), WIDTH, HEIGHT)
    take_turns(successive(FILTERS[name](clip, Path(path)), int(frames)))


if __name__ == "__main__":
    _rival(*sys.argv[1:])
