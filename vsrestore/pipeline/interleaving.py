"""Where an AVI lacks pictures or sound: its frames have no times, but picture and sound lie beside each other in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

# So many pieces of sound, and as many pictures at least, show how far the sound is ahead of the pictures beside it.
PIECES, PICTURES = 3, 16
# It goes up and down as pieces and pictures alternate; a step of this share of a picture beyond that is none of it.
LEAST = Fraction(3, 4)
UNIT = Fraction(1, 10**6)  # seconds


@dataclass
class Interleaving:
    """How far the sound is ahead of the pictures as they lie in the file.

    Attributes:
        ticks: when each picture is due, as far as the file knows.
        ends: when the sound ends that lies before each picture, in units of ``UNIT``.

    """

    ticks: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    _end: int | None = None

    def add(self, packet: Any, base: Fraction, *, picture: bool) -> None:
        """Take note of the next picture, or piece of sound; ``base`` is the seconds of a tick of its times."""
        if picture and packet.dts is not None and self._end is not None:
            self.ticks.append(packet.dts)
            self.ends.append(self._end)
        elif not picture and packet.pts is not None:
            self._end = round((packet.pts + (packet.duration or 0)) * base / UNIT)

    def losses(self, base: Fraction) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return where pictures, and where sound is missing: from which tick on, and how many ticks of it.

        Args:
            base: seconds of one tick.

        """
        leads = [end - round(tick * base / UNIT) for tick, end in zip(self.ticks, self.ends, strict=True)]
        pieces = 1 + sum(earlier != later for earlier, later in pairwise(self.ends))
        window = max(PICTURES, PIECES * len(leads) // pieces)
        pictures, sound = (steps(values, window, LEAST * base / UNIT) for values in (leads, [-lead for lead in leads]))
        return self._times(pictures, base), self._times(sound, base)

    def _times(self, steps: Sequence[tuple[int, int]], base: Fraction) -> list[tuple[int, int]]:
        lost = [(self.ticks[place], round(height * UNIT / base)) for place, height in steps]
        return [(tick, count) for tick, count in lost if count > 0]


def steps(values: Sequence[int], window: int, least: Fraction) -> list[tuple[int, int]]:
    """Return at which places values that go up and down step up as a whole, and by how much.

    Args:
        values: of which so many before and behind a step lie below and above it; near the ends fewer will do.
        window: as many.
        least: by how much those behind are above all those before.

    """
    made: list[tuple[int, int]] = []
    begin = window
    for place in range(window, len(values) - window // 2):
        before, behind = values[place - window : place], values[place : place + window]
        if place >= begin and min(behind) - max(before) > least:
            # Where piece after piece of the sound is missing, it takes some pictures until all are.
            settled = values[place + window : place + 2 * window] or behind[-window // 2 :]
            made.append((place, min(settled) - min(before)))
            begin = place + window
    return made
