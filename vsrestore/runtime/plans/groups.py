"""Networks that walk along a shot in groups of frames, with a memory, all of them beside one reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...networks.inputs import Inputs
from ...video import checks
from ...video.errors import fail
from ..call import Call, Copy
from ..run import Run
from .plan import Network, Plan

if TYPE_CHECKING:
    from torch import Tensor

REFERENCE = "reference"


def always(_number: int) -> bool:
    """Tell that every frame is given to the network."""
    return True


@dataclass(frozen=True, kw_only=True)
class Groups(Plan):
    """``network(frames (1, T, C, H, W), keep=range, reference=(1, C, H, W)) -> (1, K, C', s*H, s*W)``.

    T begins with the shot or, where that is too far back, ``before`` frames ahead of the chunk, so that the memory of
    the network fills again; and it ends with the group that holds the last wanted frame, or with the shot. ``keep`` are
    the wanted frames in T. The companion ``reference`` has, for every wanted frame, the picture that its shot is seen
    beside.
    """

    group: int = 1
    """Frames that the network sees together."""
    before: int = 0
    """Frames ahead of a chunk that fill the memory."""
    acts: Callable[[int], bool] = always
    """A pure function of frame numbers: whether the network is called for the shot; otherwise its frames are copied."""

    @property
    def reach(self) -> tuple[int, int]:
        """What fills the memory, and the rest of the last group."""
        return self.before, self.group - 1

    @property
    def shorter(self) -> int | None:
        """Half the chunk in whole groups."""
        return self.chunk // 2 // self.group * self.group or None

    def check(self, name: str) -> None:
        """Raise ``vs.Error`` unless chunk and memory are whole groups."""
        super().check(name)
        checks.whole(name, "memory", self.before, 0)
        for argument, value in (("chunk", self.chunk), ("memory", self.before)):
            if value % self.group:
                fail(name, f"{argument}={value}; a multiple of {self.group} is accepted")

    def calls(self, run: Run) -> Iterator[Call | Copy]:
        """Return one call for each shot, or copies of its frames."""
        for shot in run.shots:
            if not self.acts(run.number(shot.wanted.start)):
                yield from (Copy(position, position) for position in shot.wanted)
                continue
            length = shot.wanted.stop - shot.first
            frames = range(shot.first, min(shot.first + length + -length % self.group, shot.end))
            keep = range(shot.wanted.start - shot.first, length)
            yield Call(frames, shot.wanted, slots={REFERENCE: [(shot.wanted.start, 0)]}, keep=keep)

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network the frames and their reference."""
        frames, companions = inputs.as_batch()
        return network(frames, keep=call.keep, **companions)[0]
