"""Which frames form the window around a frame, also where a sequence ends."""

from __future__ import annotations

from vsrestore.networks.absent_frames import BLACK
from vsrestore.networks.traits import Border


def window(centre: int, length: int, before: int, after: int, border: Border) -> list[int]:
    """Return the positions of the window around ``centre`` in a sequence of ``length`` frames.

    Rules beyond the ends, for a window of 5 around frame 0: repeat 0 0 0 1 2, reflect 2 1 0 1 2,
    reflect_circle 4 3 0 1 2, circle 3 4 0 1 2. Where the sequence is too short for a rule, the nearest frame is taken.
    Of the rule black, ``BLACK`` stands for all frames beyond the ends.
    """
    positions = range(centre - before, centre + after + 1)
    if border == "black":
        return [p if 0 <= p < length else BLACK for p in positions]
    resolved = (_resolve(p, centre, length, before, after, border) for p in positions)
    return [min(max(p, 0), length - 1) for p in resolved]


def _resolve(position: int, centre: int, length: int, before: int, after: int, border: Border) -> int:
    last = length - 1
    if 0 <= position <= last or border == "repeat":
        return position
    early = position < 0
    if border == "reflect":
        return -position if early else 2 * last - position
    if border == "reflect_circle":
        return centre + before - position if early else centre - after - (position - last)
    frames = before + 1 + after
    return position + frames if early else position - frames
