"""Networks that make the frame at a time between two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...networks.inputs import Inputs
from ...video.between import TIME
from ..call import Call, Copy
from ..run import Run
from .plan import Network, Plan

if TYPE_CHECKING:
    from torch import Tensor

FOLLOWING = "following"
"""The companion that brings the second frame of every pair."""


@dataclass(frozen=True, kw_only=True)
class Pair(Plan):
    """``network(frames (K, C, H, W), following=(K, C, H, W), times=(K,)) -> (K, C, H, W)``, times in (0, 1).

    The clip holds the first frame of every pair, which tells its time (see ``video.between``); where that is 0, the
    wanted frame is the first as it is.
    """

    def calls(self, run: Run) -> Iterator[Call | Copy]:
        """Return copies of frames, and one call for all that lie between others."""
        times = {position: float(run.frames[position].props[TIME]) for position in run.wanted}
        between = [position for position, time in times.items() if time]
        yield from (Copy(position, position) for position in run.wanted if not times[position])
        if between:
            yield Call(between, between, {"times": [[times[position]] for position in between]})

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network both frames of every pair, and the time between them."""
        import torch

        times = torch.tensor(call.tables["times"])[:, 0]
        return network(inputs.frames, times=times, **inputs.beside_frames, **inputs.beside_wanted)
