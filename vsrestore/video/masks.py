"""Masks beside a clip: which pixels are holes, and a clip of which nothing but the holes changes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from os import PathLike
from typing import Any

import numpy as np
import vapoursynth as vs

from . import checks
from .errors import fail
from .frames import still
from .png import read_png

type Mask = vs.VideoNode | str | PathLike[str] | Sequence[int]
"""What filters take as a mask, see :func:`mask_clip`."""
ACCEPTED = (
    "a gray clip (white where a hole is) with one frame or as many as the clip, the path of a PNG file, or a "
    "rectangle (left, top, width, height)"
)


def mask_clip(name: str, clip: vs.VideoNode, mask: Mask) -> vs.VideoNode:
    """Return a GRAYS clip, of the size and length of ``clip``, that is 1 where a mask is white and 0 elsewhere.

    Args:
        name: the filter, for messages.
        clip: the clip beside which the mask lies, of constant format and size.
        mask: a gray clip of its size, with one frame or one for each, white from half the range up; the path of a PNG
            file of its size, likewise (transparent is black); or the rectangle that is white: left, top, width and
            height in pixels.

    Raises:
        vs.Error: the mask does not fit the clip, or cannot be read.

    """
    if isinstance(mask, vs.VideoNode):
        return _marked(name, clip, mask)
    if isinstance(mask, str | PathLike):
        return _marked(name, clip, still(read_png(name, "mask", mask, clip.width, clip.height)[None]))
    if not isinstance(mask, Sequence):
        fail(name, f"mask is {type(mask).__name__}; accepted: {ACCEPTED}")
    return _rectangle(name, clip, mask)


def holes_of(name: str, clip: vs.VideoNode, mask: Mask | None, border: int) -> vs.VideoNode:
    """Return a GRAYS clip, as long as ``clip``, that is 1 in holes and 0 elsewhere.

    Args:
        name: the filter, for messages.
        clip: the clip with the holes, of constant format and size.
        mask: see :func:`mask_clip`; holes are white. None has no holes but the border.
        border: width in pixels of a rim on every side that is a hole too; 0 for none.

    Raises:
        vs.Error: the mask does not fit the clip, the border leaves nothing, or there are neither.

    """
    checks.whole(name, "border", border, 0)
    if mask is None and border == 0:
        fail(name, f"neither mask nor border is given; give the rim's width, or a mask: {ACCEPTED}")
    if 2 * border >= min(clip.width, clip.height):
        fail(name, f"border={border} leaves nothing of a clip of {clip.width}x{clip.height}; less is accepted")
    inside = (border, border, clip.width - 2 * border, clip.height - 2 * border)
    if mask is None:
        return _boxed(clip, inside, 0)
    marked = mask_clip(name, clip, mask)
    return vs.core.std.Expr([marked, _boxed(clip, inside, 0)], "x y max") if border else marked


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


def _boxed(clip: vs.VideoNode, box: Sequence[int], inside: int) -> vs.VideoNode:
    """Return a clip like ``clip`` that is ``inside``, 0 or 1, in a box, and the other outside."""
    left, top, width, height = box
    around = (left, clip.width - left - width, top, clip.height - top - height)
    form = {"format": vs.GRAYS, "length": 1, "keep": True}
    frame = vs.core.std.BlankClip(width=width, height=height, color=inside, **form)
    return frame.std.AddBorders(*around, color=1 - inside).std.Loop(clip.num_frames)


def _rectangle(name: str, clip: vs.VideoNode, mask: Sequence[Any]) -> vs.VideoNode:
    try:
        left, top, width, height = map(index, mask)
    except (TypeError, ValueError):
        fail(name, f"mask={mask!r}; accepted: {ACCEPTED}")
    if min(left, top) < 0 or min(width, height) < 1 or left + width > clip.width or top + height > clip.height:
        mismatch = f"mask={mask!r}, which is left, top, width, height, does not lie in a clip"
        fail(name, f"{mismatch} of {clip.width}x{clip.height}; a rectangle inside it is accepted")
    return _boxed(clip, (left, top, width, height), 1)


def _marked(name: str, clip: vs.VideoNode, mask: vs.VideoNode) -> vs.VideoNode:
    checks.constant_clip(name, mask, "mask")
    if mask.format.color_family != vs.GRAY:
        fail(name, f"mask is {mask.format.name}; a gray clip is accepted, e.g. one plane of it: std.ShufflePlanes")
    if mask.num_frames not in (1, clip.num_frames):
        mismatch = f"mask has {mask.num_frames} frames but the clip has {clip.num_frames}"
        fail(name, f"{mismatch}; one frame, or as many as the clip, are accepted")
    half = 0.5 if mask.format.sample_type == vs.FLOAT else 1 << (mask.format.bits_per_sample - 1)
    marked = mask.std.Expr(f"x {half} >= 1 0 ?", format=vs.GRAYS)
    if mask.num_frames < clip.num_frames:
        marked = marked.std.Loop(clip.num_frames)
    checks.same_frames(name, clip, marked, "mask")
    return marked
