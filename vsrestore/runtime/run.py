"""The frames around one chunk, split into shots at cuts and at the clip's ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from ..video.props import starts_scene

if TYPE_CHECKING:
    import vapoursynth as vs


@dataclass(frozen=True)
class Shot:
    """The part of one run of frames that lies between two cuts; positions are those in the run."""

    first: int
    end: int
    wanted: range
    """Those whose results are asked for."""


@dataclass(frozen=True)
class Run:
    """The frames around chunk number ``start // chunk``, also those beyond the clip's ends, which repeat its last."""

    start: int
    """Number of the chunk's first frame."""
    before: int
    """Its position in the run."""
    chunk: int
    """Frames of a chunk."""
    length: int
    """Frames of the clip."""
    frames: Sequence[vs.VideoFrame]
    companions: Mapping[str, Sequence[Sequence[vs.VideoFrame]]] = field(default_factory=dict)
    """Name -> clip -> position in the run, or in the chunk for companions "wanted"."""

    @property
    def inside(self) -> range:
        """The positions that lie inside the clip."""
        first = self.start - self.before
        return range(max(-first, 0), min(self.length - first, len(self.frames)))

    @property
    def wanted(self) -> range:
        """The positions of the chunk inside the clip."""
        return range(self.before, min(self.before + self.chunk, self.inside.stop))

    def number(self, position: int) -> int:
        """Return the frame number of a position."""
        return self.start - self.before + position

    @cached_property
    def shots(self) -> list[Shot]:
        """The shots that hold wanted positions, in order."""
        inside = self.inside
        cuts = (p for p in inside[1:] if starts_scene(self.frames[p - 1], self.frames[p]))
        bounds = [inside.start, *cuts, inside.stop]
        split = [
            Shot(first, end, range(max(first, self.wanted.start), min(end, self.wanted.stop)))
            for first, end in pairwise(bounds)
        ]
        return [shot for shot in split if shot.wanted]
