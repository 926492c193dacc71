"""The noise of a clip, shot by shot, as a clip that a denoiser sees beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import vapoursynth as vs

from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor
from ..runtime.engine import Pictures, Warn
from ..runtime.graph import chunk_graph
from ..runtime.plans.sequence import Sequence
from ..runtime.run import Run, Shot
from ..video.cache import keep
from ..video.frames import plane_views
from ..video.noise import noise_level

BLOCK = 16
"""Frames of a shot that have one level of noise: blocks begin at multiples of it."""
STEP = 4
"""The frames whose noise is measured are multiples of this."""


def measuring(name: str) -> Descriptor:
    """Return the descriptor of the measurement for the filter ``name``."""
    return Descriptor(name=name, plan=Sequence(chunk=BLOCK), output_size=(1, 1), values=1)


def noise_levels(name: str, clip: vs.VideoNode, most: float) -> vs.VideoNode:
    """Return a GRAYS clip of the same size, each frame of which is the standard deviation of the noise at that frame.

    It is the median of ``noise_level`` over the frames with numbers that are multiples of 4 which lie in the same block
    of 16 frames and in the same shot; where there are none, that of the shot's first frame in the block.

    Args:
        name: the filter, for messages.
        clip: RGBS or GRAYS, cuts marked.
        most: where levels end.

    """
    levels = chunk_graph(clip, _Measurement(measuring(name), most))
    return keep(levels.resize.Point(clip.width, clip.height), 0)


class _Measurement:
    """What measures the noise of the frames of a block."""

    companions: Mapping[str, Companion] = {}

    def __init__(self, descriptor: Descriptor, most: float) -> None:
        self.descriptor = descriptor
        self._most = most

    def run(self, run: Run, warn: Warn) -> Pictures:
        """Return a picture of one sample for every frame."""
        levels: Pictures = {}
        for shot in run.shots:
            level = np.full((1, 1, 1), min(self._level(run, shot), self._most), np.float32)
            levels |= dict.fromkeys(shot.wanted, level)
        return levels

    def memory_advice(self) -> str:
        """Return what to do where memory ends."""
        return "; try a smaller clip"

    def _level(self, run: Run, shot: Shot) -> float:
        on_grid = [position for position in shot.wanted if not run.number(position) % STEP]
        measured = [noise_level(plane_views(run.frames[position])) for position in on_grid or shot.wanted[:1]]
        return float(np.median(measured))
