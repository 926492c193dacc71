"""What the runtime must know about our own networks, which see two frames on each side."""

from __future__ import annotations

from ..networks.temporal_traits import TEMPORAL
from ..networks.traits import Traits
from ..runtime.descriptor import Descriptor
from ..runtime.plans.window import Window

CHUNK = 4


def temporal(name: str, traits: Traits = TEMPORAL) -> Descriptor:
    """Return the descriptor of the filter ``name``, whose network asks for ``traits``."""
    radius = traits.frames // 2
    plan = Window(chunk=CHUNK, before=radius, after=radius, border=traits.border, skips_repeats=True, halves=True)
    return Descriptor(name=name, plan=plan, traits=traits)
