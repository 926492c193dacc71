"""What a network is given: frames by their positions, companions by name, and what is wanted of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import vapoursynth as vs

Slot = tuple[int, int]
"""A frame of a companion: its position in the run, and which of the companion's clips."""


@dataclass(frozen=True)
class Companion:
    """Clips beside the frames, which the network takes as a keyword: a mask, a noise map, references, flow.

    They have the size of the frames, GRAYS or RGBS.
    """

    clips: Sequence[vs.VideoNode]
    at: Literal["frames", "wanted"] = "frames"
    """Whether a call sees the frames beside all that it sees, or only those beside what it gives."""
    channels: int | None = None
    """Of a clip that holds values below each other (see ``Descriptor.values``); None for a picture."""


@dataclass(frozen=True)
class Copy:
    """A wanted frame that is one of the run as it is: nothing is computed."""

    wanted: int
    frame: int


@dataclass(frozen=True)
class Call:
    """One call of a network. Positions are those in the run around a chunk."""

    frames: Sequence[int]
    """What the network sees, in order."""
    wanted: Sequence[int]
    """What it gives, in order."""
    tables: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    """What else the plan hands the network, by name: windows as positions in ``frames``, times between frames."""
    slots: Mapping[str, Sequence[Slot]] = field(default_factory=dict)
    """Which frames of companions "wanted" are seen, where those are not one for each wanted frame."""
    keep: range = range(0)
    """Where among ``frames`` those stand that it gives, where the plan says it."""
    numbers: Sequence[int] = ()
    """Frame numbers of what it gives, for networks that take them."""

    @property
    def key(self) -> Hashable:
        """All that is handed to the network beside pictures; calls that share it differ in their pictures alone."""
        tables = ((name, tuple(map(tuple, rows))) for name, rows in self.tables.items())
        return (*tables, self.keep, tuple(self.numbers))
