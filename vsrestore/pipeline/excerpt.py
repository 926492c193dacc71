"""A part of a clip: from and to a time or a frame."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from .errors import PipelineError

CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


def parsed_place(option: str, text: str) -> int | Fraction:
    """Return the frame that a whole number means, or the seconds that ``1:02:03.5``, ``2:03`` or ``123.5s`` mean.

    Raises:
        PipelineError: any other text.

    """
    if text.isascii() and text.isdigit():
        return int(text)
    if (match := SECONDS.fullmatch(text)) is not None:
        return Fraction(match[1])
    if (match := CLOCK.fullmatch(text)) is not None:
        return int(match[1] or 0) * 3600 + int(match[2]) * 60 + Fraction(match[3])
    raise PipelineError(f"{option} {text}: cannot be read; give a frame (1440), or a time (1:00.5 or 60.5s)")


def part_of_clip(start: str | None, end: str | None, frames: int, times: Sequence[Fraction]) -> range:
    """Return the frames from ``start`` to before ``end``.

    Args:
        start: as the user gave it, None for the beginning.
        end: likewise, None for the end.
        frames: of the clip.
        times: when the frames of the source are shown, rising, in seconds; the clip's lie evenly between them.

    Raises:
        PipelineError: it cannot be read, or no frame lies there.

    """
    first = 0 if start is None else _frame("--start", start, frames, times)
    last = frames if end is None else _frame("--end", end, frames, times)
    if not 0 <= first < min(last, frames):
        length = f"{float(times[-1] - times[0]):.1f} s, " if times else ""
        raise PipelineError(f"--start {start}, --end {end}: no frame lies there; the clip has {length}{frames} frames")
    return range(first, min(last, frames))


def seconds_of(part: range, frames: int, times: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """Return where a part of a clip begins on the clock of the source, from its first frame on, and how long it is.

    Args:
        part: frames of the clip.
        frames: of the whole clip.
        times: as for :func:`part_of_clip`.

    """
    start, end = (_time(number, frames, times) for number in (part.start, part.stop))
    return start, end - start


def _frame(option: str, text: str, frames: int, times: Sequence[Fraction]) -> int:
    place = parsed_place(option, text)
    if isinstance(place, int) or not times:
        return int(place)
    return -(-bisect_left(times, place + times[0]) * frames // len(times))


def _time(number: int, frames: int, times: Sequence[Fraction]) -> Fraction:
    place = Fraction(number * len(times), frames)
    whole = int(place)
    if whole >= len(times) - 1:
        return times[-1] - times[0] + (place - (len(times) - 1)) * (times[-1] - times[0]) / max(len(times) - 1, 1)
    return times[whole] - times[0] + (place - whole) * (times[whole + 1] - times[whole])
