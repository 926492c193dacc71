"""Networks that make the frame at a time between two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from ...video.errors import fail
from ...video.props import starts_scene, stretched
from ...video.scenes import shifted
from ..call import Call, Companion, Copy, Inputs
from ..run import Run
from .plan import Network, Plan

if TYPE_CHECKING:
    import vapoursynth as vs
    from torch import Tensor

FOLLOWING = "following"


@dataclass(frozen=True, kw_only=True)
class Pair(Plan):
    """``network(frames (K, C, H, W), following=(K, C, H, W), times=(K,)) -> (K, C', s*H, s*W)``, times in (0, 1).

    Frame n of the output lies at frame n / ``frame_rate`` of the clip. Where that is a whole number it is that frame as
    it is; across a cut it is the nearer one.
    """

    frame_rate: Fraction = Fraction(2)
    """Frames given / frames taken, at least 1."""

    @property
    def rate(self) -> Fraction:
        """Frames given / frames taken."""
        return self.frame_rate

    def check(self, name: str) -> None:
        """Raise ``vs.Error`` unless frames come between others."""
        super().check(name)
        if self.frame_rate < 1:
            fail(name, f"the frame rate would change by {self.frame_rate}; a factor of at least 1 is accepted")

    def beside(self, clip: vs.VideoNode) -> tuple[vs.VideoNode, Mapping[str, Companion]]:
        """Return, for every frame of the output, the frame before its time, and the one after."""
        following = Companion([stretched(shifted(clip, 1), self.rate)], at="wanted")
        return stretched(clip, self.rate), {FOLLOWING: following}

    def calls(self, run: Run) -> Iterator[Call | Copy]:
        """Return copies of frames, and one call for all that lie between others."""
        between: list[int] = []
        times: list[list[float]] = []
        for position in run.wanted:
            number = run.number(position)
            time = number / self.rate % 1
            following = run.companions[FOLLOWING][0][position - run.before]
            if not time or int(number / self.rate) == int((run.length - 1) / self.rate):
                yield Copy(position, position)
            elif starts_scene(run.frames[position], following):
                yield Copy(position, position, FOLLOWING if time >= Fraction(1, 2) else None)
            else:
                between.append(position)
                times.append([float(time)])
        if between:
            yield Call(between, between, {"times": times})

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network both frames of every pair, and the time between them."""
        import torch

        times = torch.tensor(call.tables["times"], device=inputs.frames.device)[:, 0]
        return network(inputs.frames, times=times, **inputs.beside_frames, **inputs.beside_wanted)
