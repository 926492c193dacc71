"""Stains and cue marks of film, as stages before the network of ``film``: found by one network, repaired by another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..networks.temporal_traits import PLANES
from ..networks.traits import Traits
from ..runtime.apply import Stage, through
from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor, Options
from ..runtime.graph import frames_in_flight
from ..runtime.plans.sequence import Sequence
from ..runtime.plans.window import Window
from ..video.cache import keep
from ..video.marks import marked, only_where
from .checkpoint import network_of

if TYPE_CHECKING:
    from torch import nn

MODEL = "film-blemishes"
FOUND = 4  # channels: what to add to the three colours, and the cue marks
FINDS = Window(chunk=8, before=3, after=3, border=PLANES.border, skips_repeats=True, halves=True)  # type: ignore[arg-type]
WHOLE = Traits(tiles=False, channels_last=False, float32_frames=True)
FILLS = Sequence(chunk=8, overlap=5)  # a cue mark lasts five frames at most


def finder(name: str) -> Descriptor:
    """Return the descriptor of the network that finds blemishes, for the filter ``name``."""
    traits = replace(PLANES, frames=FINDS.before + 1 + FINDS.after)
    return Descriptor(name=name, plan=FINDS, traits=traits, values=FOUND)


def without_blemishes(name: str, seen: vs.VideoNode, options: Options) -> vs.VideoNode:
    """Return the frames without stains and cue marks; those that have none come back as they are.

    Args:
        name: of the filter, for messages.
        seen: RGBS, with cuts marked.
        options: of the user.

    """
    both = frames_in_flight(FINDS) + frames_in_flight(FILLS)
    seen = keep(seen, both)
    build = network_of(name, MODEL, "blemish_finder")
    found = through(seen, Stage(descriptor=finder(name), build=build), options)
    found = keep(found.std.CopyFrameProps(seen), both)
    stage = Stage(
        descriptor=Descriptor(name=name, plan=FILLS, traits=WHOLE, only_where="found"),
        build=_fill,
        companions={"found": Companion([found], channels=FOUND)},
    )
    exact = replace(options, precision="float32", tile=None)
    return only_where(marked(found), through(seen, stage, exact), seen)


def _fill() -> nn.Module:
    """Return the network that repairs, which has no weights."""
    from ..networks.blemish_fill import BlemishFill

    return BlemishFill()
