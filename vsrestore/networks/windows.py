"""Which frames form the window around a frame, also where a sequence ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vsrestore.networks.absent_frames import ABSENT, BLACK
from vsrestore.networks.traits import BlackBorder, Border


def window(centre: int, length: int, before: int, after: int, border: Border | BlackBorder) -> list[int]:
    """Return the positions of the window around ``centre`` in a sequence of ``length`` frames.

    Rules beyond the ends, for a window of 5 around frame 0: repeat 0 0 0 1 2, reflect 2 1 0 1 2,
    reflect_circle 4 3 0 1 2, circle 3 4 0 1 2. Where the sequence is too short for a rule, the nearest frame is taken.

    With "black", ``BLACK`` stands for each frame beyond; "black_short" is the same, but the last place of a window is
    ``ABSENT`` where it lies beyond the end.
    """
    rule = RULES[border]
    return [
        position if 0 <= position < length else rule(Beyond(position, centre, length, before, after))
        for position in range(centre - before, centre + after + 1)
    ]


def reach(before: int, after: int, border: Border | BlackBorder) -> tuple[int, int]:
    """Return how far windows may reach to either side: twice as far where frames of the other side stand in."""
    if border in ("repeat", "black", "black_short"):
        return before, after
    across = 2 * max(before, after)
    return across, across


@dataclass(frozen=True)
class Beyond:
    """A place of a window that lies beyond an end of its sequence."""

    position: int
    centre: int
    length: int
    before: int
    after: int

    @property
    def early(self) -> bool:
        """Whether it lies before the sequence."""
        return self.position < 0

    def nearest(self, position: int | None = None) -> int:
        """Return the frame that is nearest to a position, by default to this place."""
        return min(max(self.position if position is None else position, 0), self.length - 1)


def _reflect(place: Beyond) -> int:
    return place.nearest(-place.position if place.early else 2 * (place.length - 1) - place.position)


def _reflect_circle(place: Beyond) -> int:
    if place.early:
        return place.nearest(place.centre + place.before - place.position)
    return place.nearest(place.centre - place.after - (place.position - place.length + 1))


def _circle(place: Beyond) -> int:
    frames = place.before + 1 + place.after
    return place.nearest(place.position + frames if place.early else place.position - frames)


def _black_short(place: Beyond) -> int:
    return ABSENT if not place.early and place.position == place.centre + place.after else BLACK


RULES: dict[Border | BlackBorder, Callable[[Beyond], int]] = {
    "repeat": Beyond.nearest,
    "reflect": _reflect,
    "reflect_circle": _reflect_circle,
    "circle": _circle,
    "black": lambda _: BLACK,
    "black_short": _black_short,
}
"""What stands for a frame beyond the ends."""
