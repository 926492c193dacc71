"""What the script of a damaged or joined source needs to keep picture and sound in step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Any

import vapoursynth as vs

from vsrestore.pipeline.continued import continued, spread

NO_TIME = -(2**63)  # FFmpeg's AV_NOPTS_VALUE


def with_times_in_order(
    opened: Mapping[str, Any], offsets: Sequence[str] = (), gaps: Sequence[tuple[int, int]] = ()
) -> vs.VideoNode:
    """Return the clip of a damaged or joined file with durations that follow each other.

    Where the order in which frames are shown is damaged, a frame's time may come after its successor's, and BestSource
    tells no duration then. Here the times, all of which stay, are given to the frames in their order. A frame whose
    time is lost comes as long after the one before it as most do.

    Args:
        opened: what ``bs.VideoSource`` returns with ``exporttimestamps=1``.
        offsets: what its clock lacks wherever it begins anew, in seconds, as fractions.
        gaps: where frames are missing and no time says so: from which tick on, and how many ticks.

    """
    clip: vs.VideoNode = opened["clip"]
    base = Fraction(opened["timebasenum"], opened["timebaseden"])
    times = sorted(spread(_filled(opened["timestamps"], base, [Fraction(offset) for offset in offsets]), gaps))
    durations = [max(later - earlier, 1) * base for earlier, later in pairwise(times)]

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props["_DurationNum"], frame.props["_DurationDen"] = durations[n].as_integer_ratio()
        return frame

    timed = min(len(durations), clip.num_frames)
    if not timed:
        return clip
    changed = clip[:timed].std.ModifyFrame(clips=clip[:timed], selector=put)
    return changed if timed == clip.num_frames else changed + clip[timed:]


def _filled(times: Sequence[int], base: Fraction, offsets: Sequence[Fraction] = ()) -> list[int]:
    """Return the times, in ticks, with those that are lost put in, and none that begin anew."""
    known = continued([time for time in times if time != NO_TIME], base, leaps=bool(offsets), offsets=offsets)
    rest = iter(known)
    times = [time if time == NO_TIME else next(rest) for time in times]
    usual = median_low([later - earlier for earlier, later in pairwise(sorted(known))] or [1])
    first = next((place for place, time in enumerate(times) if time != NO_TIME), 0)
    filled: list[int] = []
    for time in times:
        before = filled[-1] if filled else (known[0] if known else 0) - (first + 1) * usual
        filled.append(before + usual if time == NO_TIME else time)
    return filled
