"""Masks beside a clip: which pixels are holes, and a clip of which nothing but the holes changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import vapoursynth as vs

from . import checks
from .errors import fail


def holes_of(name: str, clip: vs.VideoNode, mask: vs.VideoNode | None, border: int) -> vs.VideoNode:
    """Return a GRAYS clip, as long as ``clip``, that is 1 in holes and 0 elsewhere.

    Args:
        name: the filter, for messages.
        clip: the clip with the holes, of constant format and size.
        mask: a gray clip of its size with one frame, or one per frame; holes are white, from half the range up. None
            has no holes but the border.
        border: width in pixels of a rim on every side that is a hole too; 0 for none.

    Raises:
        vs.Error: the mask does not fit the clip, the border leaves nothing, or there are neither.

    """
    checks.whole(name, "border", border, 0)
    if mask is None and border == 0:
        fail(name, "neither mask nor border is given; give a mask clip (white where a hole is), or the rim's width")
    if 2 * border >= min(clip.width, clip.height):
        fail(name, f"border={border} leaves nothing of a clip of {clip.width}x{clip.height}; less is accepted")
    rim = _rim(clip, border)
    if mask is None:
        return rim
    marked = _marked(name, clip, mask)
    return vs.core.std.Expr([marked, rim], "x y max") if border else marked


def patched(source: vs.VideoNode, result: vs.VideoNode, holes: vs.VideoNode) -> vs.VideoNode:
    """Return ``source`` with the samples of ``result`` in the holes, and not a bit changed elsewhere.

    Args:
        source: a clip of any constant format.
        result: another one of the same format, size and length.
        holes: from :func:`holes_of`. Where chroma is subsampled, its samples that a hole touches count as holes.

    """
    fmt = source.format

    def patch(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        holed = np.asarray(f[2][0]) > 0
        if not holed.any():
            return f[0]
        frame = f[0].copy()
        for plane in range(fmt.num_planes):
            touched = _touched(holed, fmt.subsampling_h, fmt.subsampling_w) if plane else holed
            np.copyto(np.asarray(frame[plane]), np.asarray(f[1][plane]), where=touched)
        return frame

    return source.std.ModifyFrame(clips=[source, result, holes], selector=patch)


def _touched(holed: np.ndarray, down: int, across: int) -> np.ndarray:
    """Return which samples of a plane, subsampled by powers of two, cover a hole."""
    height, width = holed.shape
    return holed.reshape(height >> down, 1 << down, width >> across, 1 << across).any((1, 3))


def _rim(clip: vs.VideoNode, border: int) -> vs.VideoNode:
    inner = {"width": clip.width - 2 * border, "height": clip.height - 2 * border}
    frame = vs.core.std.BlankClip(format=vs.GRAYS, length=1, color=0, keep=True, **inner)
    return frame.std.AddBorders(*[border] * 4, color=1).std.Loop(clip.num_frames)


def _marked(name: str, clip: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    checks.constant_clip(name, mask, "mask")
    if mask.format.color_family != vs.GRAY:
        fail(name, f"mask is {mask.format.name}; a gray clip is accepted, e.g. one plane of it: std.ShufflePlanes")
    if mask.num_frames not in (1, clip.num_frames):
        told = f"mask has {mask.num_frames} frames but the clip has {clip.num_frames}"
        fail(name, f"{told}; one frame, or as many as the clip, are accepted")
    half = 0.5 if mask.format.sample_type == vs.FLOAT else 1 << (mask.format.bits_per_sample - 1)
    marked = mask.std.Expr(f"x {half} >= 1 0 ?", format=vs.GRAYS)
    if mask.num_frames < clip.num_frames:
        marked = marked.std.Loop(clip.num_frames)
    checks.same_frames(name, clip, marked, "mask")
    return marked
