"""Where a job is cut into segments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from itertools import groupby
from math import lcm

from ..script import FilterCall


@dataclass(frozen=True)
class Segment:
    """A run of frames that is rendered, and finished, as one.

    Attributes:
        number: its place among all, from 0.
        first: its first frame, as the clip counts.
        end: the frame after its last.

    """

    number: int
    first: int
    end: int

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return self.end - self.first


def runs_of(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Return segments, which are in order, in runs of those that follow each other."""
    groups = groupby(enumerate(segments), lambda pair: pair[1].number - pair[0])
    return [[segment for _, segment in group] for _, group in groups]


def cut(frames: range, rate: Fraction, seconds: float, grid: int) -> list[Segment]:
    """Return the segments of a run of frames; a rest shorter than half a segment goes to the one before it.

    Args:
        frames: of the clip.
        rate: frames in a second; where it is not known (0), 25 are taken for one.
        seconds: how long a segment is to be, 0 for all in one.
        grid: cuts lie on multiples of so many frames, because a filter that works by chunks would render a chunk that
            two segments share twice.

    """
    wanted = round(Fraction(seconds) * (rate or 25)) if seconds else len(frames)
    step = max(wanted, 1) if grid > wanted else wanted // grid * grid
    cuts = [frames.start]
    place = frames.start // grid * grid + step
    while frames.stop - place > step / 2:
        cuts.append(place)
        place += step
    ends = [*cuts[1:], frames.stop]
    return [Segment(number, first, end) for number, (first, end) in enumerate(zip(cuts, ends, strict=True))]


def grid_of(calls: Iterable[FilterCall]) -> int:
    """Return the number of frames on whose multiples the chunks of all filters begin."""
    return lcm(*map(_chunk, calls))


def _chunk(call: FilterCall) -> int:
    """Return how many frames a filter makes at once, 1 where its file does not say."""
    from vsrestore.filters.table import FILTERS

    chunk = call.arguments.get("chunk")
    if isinstance(chunk, int) and chunk > 0:
        return chunk
    descriptor = getattr(import_module(FILTERS[call.name]), "DESCRIPTOR", None)
    return descriptor.plan.chunk if descriptor is not None else 1
