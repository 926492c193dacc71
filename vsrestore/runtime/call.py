"""What a network is given: frames by their positions, companions by name, and what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    import vapoursynth as vs
    from torch import Tensor

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


@dataclass(frozen=True)
class Inputs:
    """The tensors of one call, whole or cut to a tile."""

    frames: Tensor
    """(T, C, H, W)."""
    beside_frames: Mapping[str, Tensor]
    """Companions, (T, c, H, W)."""
    beside_wanted: Mapping[str, Tensor]
    """Companions, (K, c, H, W), or as many as the call has slots for."""

    def mapped(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Return all pictures changed alike."""
        beside = ({name: change(x) for name, x in part.items()} for part in (self.beside_frames, self.beside_wanted))
        return type(self)(change(self.frames), *beside)

    def tensors(self) -> list[Tensor]:
        """Return all pictures."""
        return [self.frames, *self.beside_frames.values(), *self.beside_wanted.values()]

    def as_batch(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the frames as a batch of one sequence, (1, T, C, H, W), and the companions, those of frames alike."""
        sequences = {name: x.unsqueeze(0) for name, x in self.beside_frames.items()}
        return self.frames.unsqueeze(0), {**sequences, **self.beside_wanted}
