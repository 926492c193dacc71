"""What the runtime must know about a network, as data, and what the user chose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from ..networks.traits import PRECISIONS, Precision, Traits
from ..video.formats import Planes
from .plans.plan import Plan
from .plans.single import Single

__all__ = ["PRECISIONS", "Descriptor", "Options", "Precision"]


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A network, the frames it sees, and what it gives."""

    name: str
    """The filter's name, for messages."""
    plan: Plan = field(default_factory=Single)
    """Which frames a call sees and how the network is called with them."""
    traits: Traits = field(default_factory=Traits)
    """Sizes, layout and precisions."""
    output_size: tuple[int, int] | None = None
    """Width and height of the output where they do not follow from the input's; the scale does not count then."""
    values: int | None = None
    """Channels of an output that is no picture (flow, features, confidence): a GRAYS clip with the channels below each
    other, not limited to [0, 1]."""
    numbered: bool = False
    """Whether the network takes ``numbers``, an int64 tensor of the frame numbers it gives (for noise, say)."""
    only_where: str | None = None
    """A companion without which nothing changes: calls in which it is 0 everywhere give their frames as they are."""

    @property
    def planes(self) -> Planes:
        """Whether the network sees RGB or luma alone."""
        return "luma" if self.traits.channels == "luma" else "rgb"

    def changed(self, **settings: object) -> Self:
        """Return a copy with some settings changed."""
        return replace(self, **settings)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user chose for the runtime."""

    device: str | None = None
    """A torch device such as "cuda", "cuda:1", "mps" or "cpu"; None takes the first of CUDA, MPS and CPU there is."""
    precision: Precision | None = None
    """None takes float16 on CUDA if the network allows it, else float32."""
    tile: int | None = None
    """Longest edge of a tile in pixels of the input; None: the whole frame at once."""
    elsewhere: bool = False
    """Whether the network, which takes tensors on the CPU, computes on a device that torch does not see."""
    scene_changes: bool = True
    """Whether cuts are detected where the clip does not name them."""
