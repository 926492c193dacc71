"""Times of files in which clocks begin anew; without FFmpeg's libraries, which vspipe has of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

# Seconds by which a time lies before that of an earlier packet or frame where a clock begins anew.
RESET = Fraction(1)
# So many times after it lie there, too: behind a gap a few pictures may come that belong before it.
STAYS = 16


def continued(ticks: Sequence[int], base: Fraction) -> list[int]:
    """Return times that go on where a file's own begin anew, as they do where two recordings were joined.

    Args:
        ticks: in the order of the file, a few of them later than their successors.
        base: seconds of one tick.

    """
    reset = RESET / base if base else Fraction(0)
    offset, step, made = 0, 0, list[int]()
    latest = ticks[0] if ticks else 0
    for place, tick in enumerate(ticks):
        before = latest - reset - offset
        if tick < before and all(later < before for later in ticks[place + 1 : place + 1 + STAYS]):
            offset = latest + step - tick
        moved = tick + offset
        if moved > latest:
            step, latest = moved - latest, moved
        made.append(moved)
    return made
