"""Frames of a clip in another order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import vapoursynth as vs


def reordered(clip: vs.VideoNode, source: Callable[[int], int | None]) -> vs.VideoNode:
    """Return a clip as long as ``clip`` whose frame n is frame ``source(n)`` of it, or black where that is None.

    Args:
        clip: of constant format.
        source: a pure function of the frame number; numbers beyond the ends mean the first and the last frame.

    """
    black = vs.core.std.BlankClip(clip, keep=True)
    last = clip.num_frames - 1

    def choose(n: int) -> vs.VideoNode:
        number = source(n)
        if number is None:
            return black
        # Of a clip of one frame, that frame answers for every number.
        return clip if number == n else clip.std.Trim(first=min(max(number, 0), last), length=1)

    return clip.std.FrameEval(choose)


def picked(
    clip: vs.VideoNode,
    otherwise: vs.VideoNode,
    deciding: Sequence[vs.VideoNode],
    source: Callable[[int, Sequence[vs.VideoFrame]], int | None],
) -> vs.VideoNode:
    """Return a clip as long as ``deciding`` whose frame n is one of ``clip``, as frames n of other clips decide.

    Args:
        clip: of constant format.
        otherwise: one frame of its format, where none is shown.
        deciding: clips, of the length of the result, whose frames n decide.
        source: a function of n and of their frames n: the number of a frame of ``clip``, or None. Nothing else is asked
            for.

    """
    template = vs.core.std.BlankClip(clip, length=deciding[0].num_frames, keep=True)

    def choose(n: int, f: vs.VideoFrame | Sequence[vs.VideoFrame]) -> vs.VideoNode:
        number = source(n, [f] if isinstance(f, vs.VideoFrame) else f)
        if number is None:
            return otherwise
        return clip if number == n else clip.std.Trim(first=number, length=1)

    return template.std.FrameEval(choose, prop_src=deciding, clip_src=[clip, otherwise])
