"""A clip of a few frames that play again and again, for any checkout of vsrestore: nothing here imports it."""

from __future__ import annotations

import numpy as np
import vapoursynth as vs


def looped(frames: np.ndarray, length: int, format: int = vs.RGBS) -> vs.VideoNode:
    """Return frames, float32 RGB (T, H, W, 3) in [0, 1], as a clip without cuts, held in memory once they were shown.

    They cost next to nothing then, so that what is timed is what is made of them.
    """
    count, height, width = frames.shape[:3]
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=count, keep=True)
    blank = blank.std.SetFrameProps(_SceneChangePrev=0, _SceneChangeNext=0)

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.asarray(frame[plane])[:] = frames[n, ..., plane]
        return frame

    clip = blank.std.ModifyFrame(clips=blank, selector=paint)
    if format != vs.RGBS:
        clip = clip.resize.Bicubic(format=format, matrix=vs.MATRIX_ST170_M)
    clip.std.SetVideoCache(mode=1, fixedsize=1, maxsize=count)
    return clip.std.Loop(times=-(-length // count))[:length]
