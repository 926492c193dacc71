"""``vsrestore.onnx`` and the same network in PyTorch beside the peer filter ``core.ort.Model``, all on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from operator import truediv
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import cast

import vapoursynth as vs

import vsrestore
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Descriptor, Options, Precision

from .material import moving_clip
from .networks import plain, write_onnx
from .process import Rival, take_turns
from .report import Report, Requirement
from .timing import rounds, successive

WIDTH, HEIGHT = 640, 480
PEER, OURS, FLOAT32, BFLOAT16 = "ort.Model", "vsrestore.onnx", "torch float32", "torch bfloat16"
# A second process of the peer: how far apart equal speeds come out.
AGAIN = "ort.Model again"
# Speed over the mean of both peers', round by round.
LEAST = {OURS: 1.0, FLOAT32: 1.0, BFLOAT16: 1.5}


def run(frames: int, repeats: int) -> list[Report]:
    """Compare all on 640x480 RGBS, each in a process of its own; they take turns."""
    with TemporaryDirectory() as folder, ExitStack() as running:
        path = Path(folder) / "plain.onnx"
        write_onnx(plain(), path)
        arguments = (path, frames, repeats)
        rivals = {name: running.enter_context(Rival("onnx_peer", name, *arguments)) for name in FILTERS}
        seconds = rounds(rivals, repeats, lambda rival: cast("float", rival()))
    peers = [mean(pair) for pair in zip(seconds[PEER], seconds[AGAIN], strict=True)]
    ratios = {name: median(map(truediv, peers, taken)) for name, taken in seconds.items()}
    rows = [(name, frames / median(taken), ratios[name]) for name, taken in seconds.items()]
    requirements = [Requirement(f"{name} over {PEER}", ratios[name], least=least) for name, least in LEAST.items()]
    settings: dict[str, object] = {"frames": frames, "repeats": repeats}
    return [Report("onnx", ("filter", "fps", f"over {PEER}"), rows, requirements, settings)]


def _in_torch(clip: vs.VideoNode, precision: Precision) -> vs.VideoNode:
    stage = Stage(descriptor=Descriptor(name="plain"), build=plain)
    return apply(clip, stage, Options(device="cpu", precision=precision))


def _peer(clip: vs.VideoNode, path: Path) -> vs.VideoNode:
    return vs.core.ort.Model(clip, network_path=str(path), provider="")


FILTERS: dict[str, Callable[[vs.VideoNode, Path], vs.VideoNode]] = {
    PEER: _peer,
    OURS: lambda clip, path: vsrestore.onnx(clip, path, provider="cpu"),
    AGAIN: _peer,
    FLOAT32: lambda clip, _: _in_torch(clip, "float32"),
    BFLOAT16: lambda clip, _: _in_torch(clip, "bfloat16"),
}


def _rival(name: str, path: str, frames: str, repeats: str) -> None:
    clip = moving_clip(int(frames) * (int(repeats) + 1), WIDTH, HEIGHT)
    take_turns(successive(FILTERS[name](clip, Path(path)), int(frames)))


if __name__ == "__main__":
    _rival(*sys.argv[1:])
