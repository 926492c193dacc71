"""Frames grown at their edges."""

from __future__ import annotations

import numpy as np
import vapoursynth as vs

from .cache import uncached


def edges_repeated(clip: vs.VideoNode, *, left: int = 0, right: int = 0, top: int = 0, bottom: int = 0) -> vs.VideoNode:
    """Return ``clip`` grown by so many pixels on each side, which repeat its edges.

    Args:
        clip: of constant format; sides of clips with subsampled chroma grow by whole samples of it.
        left: pixels; and so on.

    """
    if not any((left, right, top, bottom)):
        return clip
    size = {"width": clip.width + left + right, "height": clip.height + top + bottom}
    blank = uncached.BlankClip(clip, keep=True, **size)
    fmt = clip.format

    def grow(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame = vs.core.create_video_frame(f[0].format, f[0].width, f[0].height)
        frame.props.update(f[1].props)
        for plane in range(fmt.num_planes):
            down, across = (fmt.subsampling_h, fmt.subsampling_w) if plane else (0, 0)
            sides = (top >> down, bottom >> down), (left >> across, right >> across)
            np.asarray(frame[plane])[:] = np.pad(np.asarray(f[1][plane]), sides, mode="edge")
        return frame

    return uncached.ModifyFrame(blank, [blank, clip], grow)
