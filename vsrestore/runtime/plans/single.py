"""Networks that see each frame alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...networks.inputs import Inputs
from ..call import Call
from ..run import Run
from .plan import Network, Plan

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Single(Plan):
    """``network(images (B, C, H, W), companion=(B, c, H, W)...) -> (B, C', s*H, s*W)``, a chunk at once."""

    @property
    def within_shots(self) -> bool:
        """Cuts do not count."""
        return False

    def calls(self, run: Run) -> Iterator[Call]:
        """Return one call for the whole chunk."""
        yield Call(run.wanted, run.wanted)

    def ask(self, network: Network, call: Call, inputs: Inputs) -> Tensor:
        """Give the network all frames as a batch."""
        return network(inputs.frames, **inputs.beside_frames, **inputs.beside_wanted)
