"""What the first frame of a clip tells while a script is evaluated, where asking for it costs next to nothing."""

from __future__ import annotations

from collections.abc import Mapping

import vapoursynth as vs

# Functions whose frames cost no more than those that they are made of. Sources, which are made of none, are asked too.
CHEAP = frozenset({
    "AddBorders", "AssumeFPS", "CopyFrameProps", "Crop", "DeleteFrames", "DuplicateFrames", "Expr", "FlipHorizontal",
    "FlipVertical", "FreezeFrames", "Interleave", "Levels", "Limiter", "Loop", "Lut", "Merge", "RemoveFrameProps",
    "Reverse", "SelectEvery", "SetFieldBased", "SetFrameProp", "SetFrameProps", "ShufflePlanes", "Splice",
    "StackHorizontal", "StackVertical", "Transpose", "Trim", "Turn180",
    "Bicubic", "Bilinear", "Lanczos", "Point", "Spline16", "Spline36", "Spline64",
})  # fmt: skip
# Clips above a clip that are looked at; a graph that branches and joins again has the same one many times.
MOST = 100


def first_props(clip: vs.VideoNode) -> Mapping[str, object]:
    """Return the properties of frame 0; none where it would have to be restored first, or cannot be had."""
    if not _cheap(clip):
        return {}
    try:
        with clip.get_frame(0) as frame:
            return dict(frame.props)
    except vs.Error:  # which comes again when the frame is asked for
        return {}


def _cheap(clip: vs.VideoNode) -> bool:
    waiting, visited = [clip], 0
    while waiting and visited < MOST:
        node = waiting.pop()
        above = node.dependencies
        if above and node.node_name not in CHEAP:
            return False
        waiting += above
        visited += 1
    return not waiting
