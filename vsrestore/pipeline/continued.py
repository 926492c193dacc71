"""Times of files in which clocks begin anew; without FFmpeg's libraries, which vspipe has of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

# Seconds by which a time lies before that of an earlier packet or frame where a clock begins anew.
RESET = Fraction(1)
# Seconds by which a clock that may leap lies ahead where another recording begins: as many as ffmpeg takes for that.
LEAP = Fraction(10)
# So many times after it lie there, too: behind a gap a few pictures may come that belong before it.
STAYS = 16


def joints(ticks: Sequence[int], base: Fraction, *, leaps: bool = False) -> list[tuple[int, int]]:
    """Return where a file's clock begins anew, as it does where two recordings were joined.

    Args:
        ticks: in the order of the file, a few of them later than their successors.
        base: seconds of one tick.
        leaps: whether it may leap ahead, too, as in MPEG streams, where that stands for no pause.

    Returns:
        For each such place its number among ``ticks``, and what the times from there on lack to go on.

    """
    reset, leap = (int(seconds / base) if base else 0 for seconds in (RESET, LEAP))
    offset, step, places = 0, 0, list[tuple[int, int]]()
    latest = ticks[0] if ticks else 0
    for place, tick in enumerate(ticks):
        before = latest - offset
        following = slice(place + 1, place + 1 + STAYS)  # looked at where a tick is out of order, which few are
        ahead = tick > before + leap and all(later > before + leap for later in ticks[following])
        behind = tick < before - reset and all(later < before - reset for later in ticks[following])
        if (leaps and ahead) or behind:
            offset = latest + step - tick
            places.append((place, offset))
        moved = tick + offset
        # One that is far ahead while the next are not is a mistake.
        if moved > latest and (ahead or tick <= before + leap):
            step, latest = moved - latest, moved
    return places


def continued(
    ticks: Sequence[int], base: Fraction, *, leaps: bool = False, offsets: Sequence[Fraction] = ()
) -> list[int]:
    """Return times that go on where a file's own begin anew.

    Args:
        ticks: as for :func:`joints`.
        base: likewise.
        leaps: likewise.
        offsets: what the times lack after each joint, in seconds, where the sound says so; taken if there are as many.

    """
    places = joints(ticks, base, leaps=leaps)
    if len(offsets) == len(places):
        places = [(place, round(offset / base)) for (place, _), offset in zip(places, offsets, strict=True)]
    bounds = [*(place for place, _ in places), len(ticks)]
    made = list(ticks[: bounds[0]])
    for (start, offset), end in zip(places, bounds[1:], strict=True):
        made += [tick + offset for tick in ticks[start:end]]
    return made


def spread(ticks: Sequence[int], gaps: Sequence[tuple[int, int]]) -> list[int]:
    """Return times with gaps between them.

    Args:
        ticks: in any order.
        gaps: from which tick on all come later, and by how many ticks.

    """
    return [tick + sum(length for start, length in gaps if tick >= start) for tick in ticks]
