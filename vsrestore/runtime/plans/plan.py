"""What every way of seeing frames tells the runtime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...networks.inputs import Inputs
from ...video import checks
from ...video.errors import fail
from ..call import Call, Companion, Copy
from ..run import Run

if TYPE_CHECKING:
    import vapoursynth as vs
    from torch import Tensor

Network = Callable[..., "Tensor"]

LONGEST = 1024
"""Frames of a chunk at most: each is a few nodes of VapourSynth, and all are in memory at once."""


@dataclass(frozen=True, kw_only=True)
class Plan(ABC):
    """A network seen as: from a run of frames around a chunk, give those of the chunk.

    Chunks begin at multiples of their length, whatever was asked first, so a frame is a function of the clip and its
    number alone.
    """

    chunk: int = 1
    """Frames that are given at once."""

    @property
    def reach(self) -> tuple[int, int]:
        """How many frames before and after a chunk may be needed, border rules included."""
        return 0, 0

    @property
    def within_shots(self) -> bool:
        """Whether cuts count, so that they have to be known."""
        return True

    @property
    def skips_repeats(self) -> bool:
        """Whether frames must carry how much they differ from the one before (see ``video.repeats``)."""
        return False

    @property
    def span(self) -> tuple[int, int]:
        """How many frames before and after a chunk any way may need: more than the reach where some come alone."""
        return self.reach

    @property
    def joins(self) -> bool:
        """Whether frames that calls give beyond their chunk count, in what `joined` makes; else they are dropped."""
        return False

    @property
    def shorter(self) -> int | None:
        """A chunk about half as long that the plan takes, None where there is none."""
        return self.chunk // 2 or None

    def check(self, name: str) -> None:
        """Raise ``vs.Error`` unless the numbers fit; ``name`` is that of the filter."""
        checks.whole(name, "chunk", self.chunk, 1)
        if self.chunk > LONGEST:
            fail(name, f"{self.chunk} frames at once; 1 to {LONGEST} are accepted")

    def beside(self, clip: vs.VideoNode) -> tuple[vs.VideoNode, Mapping[str, Companion]]:
        """Return the clip whose frame n is seen for the wanted frame n, and companions that the plan makes of it."""
        return clip, {}

    def joined(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Return the picture (C, H, W) of a frame that several chunks give, in their order: the mean."""
        return np.mean(pictures, axis=0)

    @abstractmethod
    def calls(self, run: Run) -> Iterable[Call | Copy]:
        """Return how the wanted frames of a run come about."""

    @abstractmethod
    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Return what the network gives in a call, (K, C, H, W) for the K wanted frames."""

    def halved(self, call: Call) -> Sequence[Call]:
        """Return two calls that give the same and cost about half each; none where there are no such."""
        return ()
