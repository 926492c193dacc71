"""Networks that pass along a sequence of frames and give all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...networks.inputs import Inputs
from ...networks.traits import Border
from ...networks.windows import window
from ...video import checks
from ...video.errors import fail
from ..call import Call
from ..run import Run, Shot
from .plan import Network, Plan

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Sequence(Plan):
    """``network(frames (1, T, C, H, W), companion=(1, T, c, H, W)...) -> (1, T, C', s*H, s*W)``.

    The sequence is the chunk with ``overlap`` frames on both sides, ended by cuts and the clip's ends.
    """

    overlap: int = 0
    """Frames before and after a chunk that the network sees too."""
    overlap_is_fixed: bool = False
    """Whether the overlap is a fact of the network, and no number of the user's that a chunk bounds."""
    border: Border | None = None
    """Which frames stand for those beyond a clip's end or a cut, so that the overlap is always there; None: it ends."""
    multiple: int = 1
    """The length of a sequence, of a chunk and of the overlap is a multiple of this; the last frame is repeated."""
    minimum: int = 1
    """The least length of a sequence; the last frame is repeated."""
    keeps: bool = False
    """Whether the network takes ``keep``, the range of frames in T that it has to give, and gives no others."""
    joins: bool = False
    """Whether frames that several chunks give are averaged; otherwise those of the overlap are dropped."""

    @property
    def reach(self) -> tuple[int, int]:
        """The overlap on both sides."""
        return self.overlap, self.overlap

    @property
    def shorter(self) -> int | None:
        """Half the chunk, if that is no less than the overlap."""
        half = self.chunk // 2 // self.multiple * self.multiple
        return half if half >= max(self.overlap, 1) else None

    def check(self, name: str) -> None:
        """Raise ``vs.Error`` unless chunk and overlap fit."""
        super().check(name)
        checks.whole(name, "overlap", self.overlap, 0)
        if self.overlap > self.chunk and not self.overlap_is_fixed:
            fail(name, f"overlap={self.overlap} is more than chunk={self.chunk}; it may be at most the chunk")
        for argument, value in (("chunk", self.chunk), ("overlap", self.overlap)):
            if value % self.multiple:
                fail(name, f"{argument}={value}; a multiple of {self.multiple} is accepted")

    def calls(self, run: Run) -> Iterator[Call]:
        """Return one call for each shot."""
        for shot in run.shots:
            wanted = range(shot.first, shot.end) if self.joins else shot.wanted
            frames = self._frames(shot)
            first = frames.index(wanted.start) if self.border is None else self.overlap
            missing = max(self.minimum - len(frames), -len(frames) % self.multiple)
            yield Call([*frames, *[frames[-1]] * missing], wanted, keep=range(first, first + len(wanted)))

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network the sequence, and take what is wanted of it."""
        frames, companions = inputs.as_batch()
        if self.keeps:
            return network(frames, keep=call.keep, **companions)[0]
        return network(frames, **companions)[0, call.keep.start : call.keep.stop]

    def _frames(self, shot: Shot) -> list[int]:
        """Return the positions of the run that the network sees for a shot."""
        if self.border is None:
            return list(range(shot.first, shot.end))
        length, overlap = shot.end - shot.first, self.overlap
        first, last = shot.wanted.start - shot.first, shot.wanted[-1] - shot.first
        early = window(first, length, overlap, 0, self.border)
        late = window(last, length, 0, overlap, self.border)
        positions = [*early, *range(first + 1, last + 1), *late[1:]]
        return [shot.first + position for position in positions]
