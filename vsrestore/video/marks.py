"""Marks: a tiny clip that says whether something is there in a frame, and clips that are asked for only where it is.

What need not be computed is not asked for at all, so it costs nothing, nor does what it would have been made of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import vapoursynth as vs

from .cache import keep, uncached

KEPT = 256
"""Marks that are kept: they are tiny."""


def marked(mask: vs.VideoNode) -> vs.VideoNode:
    """Return marks of the frames of a gray clip that are not 0 everywhere."""
    blank = uncached.BlankClip(mask, width=1, height=1, format=vs.GRAY8, keep=True)

    def mark(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        dot = f[0].copy()
        np.asarray(dot[0])[:] = np.asarray(f[1][0]).any()
        return dot

    return keep(uncached.ModifyFrame(blank, [blank, mask], mark), KEPT)


def is_marked(frame: vs.VideoFrame) -> bool:
    """Tell whether a frame of marks is one."""
    return bool(np.asarray(frame[0])[0, 0])


def around(marks: vs.VideoNode, before: int, after: int) -> vs.VideoNode:
    """Mark every frame n for which any of the frames n - before to n + after is marked."""
    length, span, wanted = marks.num_frames, 1, before + after + 1
    none = uncached.BlankClip(marks, color=0, length=max(before, after, 1), keep=True)
    spread = uncached.Splice([uncached.Trim(none, length=before), marks] if before else [marks])
    spread = uncached.Splice([spread, uncached.Trim(none, length=after)] if after else [spread])
    while span < wanted:
        step = min(span, wanted - span)
        shorter = uncached.Trim(spread, length=spread.num_frames - step)
        spread = either(shorter, uncached.Trim(spread, first=step))
        span += step
    return keep(uncached.Trim(spread, length=length), KEPT)


def by_chunk(marks: vs.VideoNode, chunk: int, before: int = 0, after: int = 0) -> vs.VideoNode:
    """Mark all frames of every chunk in which a frame is marked, or in so many before or after it.

    Args:
        marks: of a clip.
        chunk: frames of a chunk.
        before: frames before a chunk that count, too.
        after: frames after it.

    """
    if chunk == 1:
        return around(marks, before, after)
    first = uncached.SelectEvery(around(marks, before, chunk - 1 + after), chunk, 0, modify_duration=False)
    repeated = uncached.Interleave([first] * chunk, modify_duration=False)
    return keep(uncached.Trim(repeated, length=marks.num_frames), KEPT)


def either(one: vs.VideoNode, other: vs.VideoNode) -> vs.VideoNode:
    """Mark what any of two clips of marks does."""
    return keep(uncached.Expr([one, other], "x y max"), KEPT)


def only_where(marks: vs.VideoNode, clip: vs.VideoNode, otherwise: vs.VideoNode) -> vs.VideoNode:
    """Return ``clip`` where there is a mark and ``otherwise``, of its format, elsewhere; the other is not asked for."""

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        return clip if is_marked(f) else otherwise

    return keep(otherwise.std.FrameEval(choose, prop_src=marks, clip_src=[clip, otherwise]), 0)
