"""The noisy input that papers make of the true frames: white Gaussian noise of a known strength."""

from __future__ import annotations

import numpy as np
import vapoursynth as vs

from vsrestore.video.frames import plane_views, write_planes

from .images import LEVELS

NOISE = {f"noise{sigma}": sigma for sigma in (10, 20, 30, 40, 50)}
"""Names of the inputs -> the standard deviation of their noise where white is 255."""


def noisy(truth: vs.VideoNode, sigma: float) -> vs.VideoNode:
    """Return an RGBS clip with noise, independent for each sample, that is neither limited nor rounded.

    Frame n of every clip has the same noise in every run, whatever was asked before.

    Args:
        truth: the clean frames.
        sigma: the standard deviation where white is 255.

    """

    def add(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        random, deviation = np.random.default_rng(n), np.float32(sigma / LEVELS)
        planes = np.stack(plane_views(f))
        return write_planes(f, planes + deviation * random.standard_normal(planes.shape, np.float32), limited=False)

    return truth.std.ModifyFrame(clips=truth, selector=add)
