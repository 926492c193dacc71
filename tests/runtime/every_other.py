"""A kind of network that the runtime has never heard of: it sees a frame with those two before and two after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from tests.runtime.networks import Counting
from vsrestore.networks.inputs import Inputs
from vsrestore.runtime.call import Call
from vsrestore.runtime.plans.plan import Network, Plan
from vsrestore.runtime.run import Run


@dataclass(frozen=True, kw_only=True)
class EveryOther(Plan):
    """``network(earlier, wanted, later) -> (B, C, H, W)``; beyond an end the wanted frame stands in."""

    @property
    def reach(self) -> tuple[int, int]:
        return 2, 2

    def calls(self, run: Run) -> Iterator[Call]:
        for shot in run.shots:
            for wanted in shot.wanted:
                there = range(shot.first, shot.end)
                frames = [p if p in there else wanted for p in (wanted - 2, wanted, wanted + 2)]
                yield Call(frames, [wanted])

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        return network(*inputs.frames.split(1))


class Mean(Counting):
    def forward(self, *images: Tensor) -> Tensor:
        return sum(images) / len(images)
