"""Frames that a transfer repeated, as it does with film of 16 or 18 frames per second at 24 or 25."""

from __future__ import annotations

from collections.abc import Sequence

import vapoursynth as vs

from .cache import keep, uncached
from .scenes import shifted

PROPERTY = "_vsrestoreApart"
AVERAGE, HIGHEST = f"{PROPERTY}Average", f"{PROPERTY}Max"
REPEATED = "vsrestore_repeated"
"""1 on frames of a clip from ``marked`` that are the one before again, else 0."""
# Frames around one that tell whether it is repeated; as many are kept for all that ask for it.
AROUND, KEPT = range(-2, 2), 8
# A repeated frame differs from the one before by this share at most of what the frames around them differ by: on two
# digitised films 0.04 to 0.2, while a picture that stands still differs by its grain all the time.
SHARE = 0.25
# And nowhere by more than this, on average over a square that reaches so many pixels each way: compression changes a
# repeated frame by up to 0.07, dirt by more.
DIRT, RADIUS = 0.08, 3
LEAST = 4  # pixels across and down that std.BoxBlur takes


def compared(clip: vs.VideoNode) -> vs.VideoNode:
    """Return an RGBS or GRAYS clip whose frames carry how much they differ from the one before, for ``repeated``."""
    plane = uncached.ShufflePlanes(clip, 1, vs.GRAY) if clip.format.color_family == vs.RGB else clip
    apart = uncached.Expr([plane, shifted(plane, -1)], "x y - abs")
    if min(apart.width, apart.height) < LEAST:
        apart = apart.resize.Point(max(apart.width, LEAST), max(apart.height, LEAST))
    apart = uncached.BoxBlur(apart, hradius=RADIUS, vradius=RADIUS)
    differences = uncached.PlaneStats(apart, prop=PROPERTY)
    return clip.std.CopyFrameProps(differences, props=[AVERAGE, HIGHEST])


def marked(clip: vs.VideoNode) -> vs.VideoNode:
    """Return an RGBS or GRAYS clip whose frames carry whether they are the one before again."""
    differences = keep(compared(clip), KEPT)
    last = clip.num_frames - 1

    def mark(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        inside = [place for place, offset in enumerate(AROUND) if 0 <= n + offset <= last]
        frame.props[REPEATED] = int(-AROUND[0] in repeated(f[1:], range(inside[0], inside[-1] + 1)))
        return frame

    return clip.std.ModifyFrame(clips=[clip, *(shifted(differences, offset) for offset in AROUND)], selector=mark)


def repeated(frames: Sequence[vs.VideoFrame], inside: range) -> frozenset[int]:
    """Return the positions of a run whose frame is the one before again.

    Args:
        frames: of a clip from ``compared``.
        inside: the positions inside the clip; what lies beyond differs from everything.

    """
    apart = [float("inf")] * len(frames)
    for position in inside[1:]:
        apart[position] = _number(frames[position], AVERAGE)
    return frozenset(
        position
        for position in range(1, len(frames) - 1)
        if apart[position] < SHARE * min(apart[position - 1], apart[position + 1])
        and _number(frames[position], HIGHEST) < DIRT
    )


def _number(frame: vs.VideoFrame, name: str) -> float:
    value = frame.props[name]
    assert isinstance(value, int | float)
    return value
