"""The pictures that one call of a network is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from torch import Tensor


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
