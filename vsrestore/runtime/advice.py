"""What a user can do where memory ended."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from .descriptor import Descriptor, Options

if TYPE_CHECKING:
    import torch

SMALLEST_TILE = 512
"""The first tile to try."""
RENDER_STEP = 32
"""Edges that every network with a size of its own takes are multiples of this; a render factor is a 16th of one."""


def advice(descriptor: Descriptor, options: Options, device: torch.device) -> str:
    """Return where memory ended and what the filter takes that needs less, to follow the words "out of memory"."""
    accepted = _arguments(descriptor.name)
    cures = [cure for cure in _cures(descriptor, options) if cure.partition("=")[0] in accepted]
    words = " or ".join(cures) if cures else "a smaller clip"
    return f" on {device}; try {words}"


def smallest_tile(descriptor: Descriptor) -> int:
    """Return the least edge of tiles that a network takes."""
    traits = descriptor.traits
    return max(2 * traits.tile_overlap, traits.minimum, traits.multiple, traits.tile_grid)


def _cures(descriptor: Descriptor, options: Options) -> list[str]:
    """Return what takes less memory, each as an argument with its value."""
    cures, plan = [], descriptor.plan
    least = smallest_tile(descriptor)
    smaller = max(SMALLEST_TILE if options.tile is None else options.tile // 2, least)
    if descriptor.traits.tiles and smaller < (options.tile or smaller + 1):
        cures.append(f"tile={smaller}")
    if plan.shorter:
        cures += [f"chunk={plan.shorter}", f"batch={plan.shorter}"]
    halves = [precision for precision in descriptor.traits.precisions if precision != "float32"]
    if options.precision in (None, "float32") and halves:
        cures.append(f"precision={halves[0]!r}")
    if descriptor.output_size and descriptor.output_size[0] >= 2 * RENDER_STEP:
        edge = descriptor.output_size[0] // 2 // RENDER_STEP * RENDER_STEP
        cures += [f"render_size={edge}", f"render_factor={edge // 16}"]
    return cures


def _arguments(name: str) -> frozenset[str]:
    """Return the arguments of the filter of this name; of what is none, any that there is advice on."""
    import vsrestore

    if name not in vsrestore.FILTERS:
        return frozenset(("tile", "chunk", "precision"))
    return frozenset(inspect.signature(getattr(vsrestore, name)).parameters)
