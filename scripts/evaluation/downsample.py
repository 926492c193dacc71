"""The low-quality input that papers make of the true frames, a quarter of their size.

Both ways are one separable filter at every fourth pixel; they differ in its taps and in what lies beyond the edges.
Values are rounded once, to 8 bits. (MATLAB also rounds between rows and columns where it is given 8-bit images; files
made in that way differ by a level here and there.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import vapoursynth as vs
from numpy.lib.stride_tricks import sliding_window_view

from vsrestore.video.frames import plane_views, write_planes

from .images import LEVELS

SCALE = 4


@dataclass(frozen=True)
class Downsampling:
    """A filter that is centred on the middle of every four pixels.

    Attributes:
        taps: its weights, an even number of them, with a sum of 1.
        border: what stands beyond the edges, in the terms of ``numpy.pad``.
    """

    taps: np.ndarray
    border: Literal["edge", "symmetric"]


def bicubic() -> Downsampling:
    """``imresize(frame, 1/4)`` of MATLAB: the cubic kernel with a = -0.5, widened four times against aliasing."""
    x = np.abs(np.arange(-7.5, 8) / SCALE)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    taps = np.where(x <= 1, near, far)
    return Downsampling(taps / taps.sum(), "symmetric")


def gaussian() -> Downsampling:
    """A Gaussian blur of sigma 1.6, 12 pixels wide, then every fourth pixel, as BasicVSR and BasicVSR++ make it."""
    taps = np.exp(-(np.arange(-5.5, 6) ** 2) / (2 * 1.6**2))
    return Downsampling(taps / taps.sum(), "edge")


DOWNSAMPLINGS = {"BIx4": bicubic, "BDx4": gaussian}


def downsampled(plane: np.ndarray, way: Downsampling) -> np.ndarray:
    """Return a plane (H, W) at a quarter of its size, float64; H and W are multiples of 4."""
    for axis in (0, 1):
        width = (len(way.taps) - SCALE) // 2
        padding = [(width, width) if a == axis else (0, 0) for a in (0, 1)]
        windows = sliding_window_view(np.pad(plane.astype(np.float64), padding, way.border), len(way.taps), axis)
        plane = (windows[::SCALE] if axis == 0 else windows[:, ::SCALE]) @ way.taps
    return plane


def low_quality(truth: vs.VideoNode, name: str) -> vs.VideoNode:
    """Return the input ``name`` of :data:`DOWNSAMPLINGS` for an RGBS clip, whose sides are cut to multiples of 4."""
    way = DOWNSAMPLINGS[name]()
    truth = truth.std.Crop(right=truth.width % SCALE, bottom=truth.height % SCALE)
    small = vs.core.std.BlankClip(truth, width=truth.width // SCALE, height=truth.height // SCALE, keep=True)

    def shrink(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        planes = [downsampled(plane, way) for plane in plane_views(f[1])]
        return write_planes(f[0], np.rint(np.clip(planes, 0, 1) * LEVELS) / LEVELS)

    return small.std.ModifyFrame(clips=[small, truth], selector=shrink).std.CopyFrameProps(truth)
