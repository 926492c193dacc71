"""What the script of a damaged source needs to keep picture and sound in step."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import vapoursynth as vs


def with_times_in_order(opened: Mapping[str, Any]) -> vs.VideoNode:
    """Return the clip of a damaged file with durations that follow each other.

    Where the order in which frames are shown is damaged, a frame's time may come after its successor's, and BestSource
    tells no duration then. Here the times, all of which stay, are given to the frames in their order.

    Args:
        opened: what ``bs.VideoSource`` returns with ``exporttimestamps=1``.

    """
    clip: vs.VideoNode = opened["clip"]
    base = Fraction(opened["timebasenum"], opened["timebaseden"])
    durations = [max(later - earlier, 1) * base for earlier, later in pairwise(sorted(opened["timestamps"]))]

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props["_DurationNum"], frame.props["_DurationDen"] = durations[n].as_integer_ratio()
        return frame

    timed = min(len(durations), clip.num_frames)
    if not timed:
        return clip
    changed = clip[:timed].std.ModifyFrame(clips=clip[:timed], selector=put)
    return changed if timed == clip.num_frames else changed + clip[timed:]
