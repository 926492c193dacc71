"""Which frames a network sees: runs split at cuts, and windows with their borders resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .descriptor import Border, Descriptor


@dataclass(frozen=True)
class Shot:
    """The part of one run of frames that lies between two cuts; positions are those in the run."""

    first: int
    end: int
    wanted_first: int
    wanted_end: int
    repeats: frozenset[int] = frozenset()
    """Positions whose frame is the one before again, and that is no neighbour of itself in a window."""

    @property
    def wanted(self) -> int:
        """How many frames of the chunk lie in this shot."""
        return self.wanted_end - self.wanted_first

    def around(self, centre: int) -> list[int]:
        """Return the positions of the shot without those whose frame is that of ``centre`` again."""
        first = last = centre
        while first in self.repeats and first > self.first:
            first -= 1
        while last + 1 in self.repeats and last + 1 < self.end:
            last += 1
        return [*range(self.first, first), centre, *range(last + 1, self.end)]


def shots(
    exists: Sequence[bool], starts: Sequence[bool], wanted: range, repeats: frozenset[int] = frozenset()
) -> list[Shot]:
    """Split a run at the cuts and the clip's ends.

    Args:
        exists: whether a position of the run lies inside the clip.
        starts: whether a cut lies before a position.
        wanted: the positions whose results are asked for; those beyond the clip's end are left out.
        repeats: the positions whose frame is the one before again.

    Returns:
        The shots that hold wanted positions, in order.

    """
    inside = [position for position, there in enumerate(exists) if there]
    bounds = [inside[0], *(p for p in inside[1:] if starts[p]), inside[-1] + 1]
    found = []
    for first, end in pairwise(bounds):
        shot = Shot(first, end, max(first, wanted.start), min(end, wanted.stop), repeats)
        if shot.wanted > 0:
            found.append(shot)
    return found


def halved(shot: Shot) -> tuple[Shot, Shot]:
    """Share the wanted frames of a shot, two or more, between two."""
    middle = (shot.wanted_first + shot.wanted_end) // 2
    return replace(shot, wanted_end=middle), replace(shot, wanted_first=middle)


def window(centre: int, length: int, before: int, after: int, border: Border) -> list[int]:
    """Return the positions of the window around ``centre`` in a sequence of ``length`` frames.

    Rules beyond the ends, for a window of 5 around frame 0: repeat 0 0 0 1 2, reflect 2 1 0 1 2,
    reflect_circle 4 3 0 1 2, circle 3 4 0 1 2. Where the sequence is too short for a rule, the nearest frame is taken.
    """
    positions = range(centre - before, centre + after + 1)
    resolved = (_resolve(p, centre, length, before, after, border) for p in positions)
    return [min(max(p, 0), length - 1) for p in resolved]


def windows(shot: Shot, descriptor: Descriptor) -> tuple[range, list[list[int]]]:
    """Return the positions of the run that a window network needs for a shot, and its windows into them."""
    table = [_window(shot, centre, descriptor) for centre in range(shot.wanted_first, shot.wanted_end)]
    low, high = min(map(min, table)), max(map(max, table))
    return range(low, high + 1), [[position - low for position in row] for row in table]


def _window(shot: Shot, centre: int, descriptor: Descriptor) -> list[int]:
    """Return the positions of the run around ``centre``."""
    around = shot.around(centre)
    before, after = descriptor.before, descriptor.after
    return [around[p] for p in window(around.index(centre), len(around), before, after, descriptor.border)]


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
