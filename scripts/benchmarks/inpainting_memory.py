"""Whether the memory of propainter and outpaint grows with the length of a clip.

What is kept is the runtime's business, so networks stand in that do next to nothing. Every figure comes from a process
of its own, ``python -m benchmarks.inpainting_memory CASE FRAMES``, which prints its peak and what of the heap is in
use at the end of the clip, in MiB.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from unittest.mock import patch

import torch.nn.functional as F
import vapoursynth as vs
from torch import Tensor, nn

import vsrestore
from vsrestore.filters.inpainting import FEATURES, Networks
from vsrestore.networks.image_propagation import ImagePropagation

from .material import moving_clip
from .memory import GROWTH
from .process import figures_of, heap_in_use, resident_peak
from .report import Report, Requirement
from .timing import drain

WIDTH, HEIGHT = 128, 128
HOLE = (40, 40, 40, 20)


class Flow(nn.Module):
    """No motion anywhere."""

    def forward(self, frames: Tensor, keep: range) -> Tensor:
        """Take frames (1, T, 3, H, W) to flows (1, K, 4, H, W)."""
        return 0 * frames[:, keep.start : keep.stop, :1].expand(-1, -1, 4, -1, -1)


class Completion(nn.Module):
    """The flow as it is."""

    def forward(self, frames: Tensor, flow: Tensor, keep: range) -> Tensor:
        """Take holes (1, T, 1, H, W) and flows (1, T, 4, H, W) to flows (1, K, 4, H, W)."""
        return flow[:, keep.start : keep.stop].clone()


class Encoder(nn.Module):
    """A quarter of the size."""

    def forward(self, frames: Tensor, filled: Tensor) -> Tensor:
        """Take holes (N, 1, H, W) and filled frames (N, 4, H, W) to (N, 128, H / 4, W / 4)."""
        return F.avg_pool2d(filled[:, :1], 4).expand(-1, FEATURES, -1, -1)


class Painter(nn.Module):
    """The frames as they are."""

    def forward(self, frames: Tensor, **_beside: Tensor) -> Tensor:
        """Take frames (1, L, 3, H, W) to the like."""
        return frames.clone()


@dataclass(frozen=True)
class Checkpoint:
    """In the place of a checkpoint."""

    build: Callable[[], nn.Module]


class StandIns(NamedTuple):
    """In the place of all networks."""

    flow: Checkpoint = Checkpoint(Flow)
    completion: Checkpoint = Checkpoint(Completion)
    encoder: Callable[[], nn.Module] = Encoder
    painter: Callable[[], nn.Module] = Painter
    propagation: Callable[[], nn.Module] = ImagePropagation


class Case(NamedTuple):
    """A filter, and a short and a long clip, both longer than what it keeps."""

    filtered: Callable[[vs.VideoNode], vs.VideoNode]
    short: int = 60
    long: int = 300


CASES = {
    "propainter, sub-videos of 80": Case(partial(vsrestore.propainter, mask=HOLE, device="cpu"), 400, 800),
    "propainter, sub-videos of 20": Case(
        partial(vsrestore.propainter, mask=HOLE, subvideo_length=20, device="cpu"), 200, 400
    ),
    "outpaint, sub-videos of 80": Case(partial(vsrestore.outpaint, left=16, device="cpu"), 400, 800),
    'propainter(model="flow")': Case(partial(vsrestore.propainter, mask=HOLE, model="flow", device="cpu")),
    'outpaint(model="flow")': Case(partial(vsrestore.outpaint, left=16, model="flow", device="cpu")),
    'outpaint(model="mirror")': Case(partial(vsrestore.outpaint, left=16, model="mirror", device="cpu")),
}


def run(cases: Sequence[str] = tuple(CASES)) -> list[Report]:
    """Compare what is in use at the end of a short and of a long clip of the same content."""
    rows, requirements = [], []
    for name in cases:
        lengths = CASES[name].short, CASES[name].long
        peaks, used = zip(*(figures_of("inpainting_memory", name, frames) for frames in lengths), strict=True)
        ratio = used[1] / used[0]
        rows.append((name, *lengths, *peaks, *used, ratio))
        what = f"memory in use, {lengths[1]} over {lengths[0]} frames, {name}"
        requirements.append(Requirement(what, ratio, most=GROWTH))
    columns = ("filter", "frames", "and", "peak, MiB", "and", "in use, MiB", "and", "ratio")
    return [Report("inpainting-memory", columns, rows, requirements, {"size": f"{WIDTH}x{HEIGHT}"})]


def main() -> None:
    """Render one case and print both figures."""
    case, frames = sys.argv[1:]
    with patch.object(Networks, "recognised", lambda *_: StandIns()):
        clip = CASES[case].filtered(moving_clip(int(frames), WIDTH, HEIGHT, vs.YUV420P8))
    drain(clip)
    print(resident_peak(), heap_in_use())


if __name__ == "__main__":
    main()
