"""Frames of a clip in another order."""

from __future__ import annotations

from collections.abc import Callable

import vapoursynth as vs


def reordered(clip: vs.VideoNode, shown: Callable[[int], int | None]) -> vs.VideoNode:
    """Return a clip as long as ``clip`` whose frame n is frame ``shown(n)`` of it, or black where that is None.

    Args:
        clip: of constant format.
        shown: a pure function of the frame number; numbers beyond the ends mean the first and the last frame.

    """
    black = vs.core.std.BlankClip(clip, keep=True)
    last = clip.num_frames - 1

    def choose(n: int) -> vs.VideoNode:
        number = shown(n)
        if number is None:
            return black
        # Of a clip of one frame, that frame answers for every number.
        return clip if number == n else clip.std.Trim(first=min(max(number, 0), last), length=1)

    return clip.std.FrameEval(choose)
