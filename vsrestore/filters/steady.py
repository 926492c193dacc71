"""Painted frames whose detail is averaged along the motion, with what they were painted on beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..networks.traits import Traits
from ..runtime.apply import Stage, through
from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor, Options
from ..runtime.graph import frames_in_flight
from ..runtime.plans.window import Window
from ..video import checks
from ..video.cache import keep

if TYPE_CHECKING:
    from torch import nn

MOST = 10
FAITHFUL = "faithful"
STEADIED = 2
"""Frames that are steadied at once: the more, the cheaper, but a seek has to paint as many."""


def steadying(name: str, radius: int) -> Descriptor | None:
    """Return the descriptor of the averaging for a filter, None where nothing is averaged.

    Raises:
        vs.Error: ``stabilize`` is no number of frames that is accepted.

    """
    checks.whole(name, "stabilize", radius, 0)
    checks.within(name, "stabilize", radius, 0, MOST)
    traits = Traits(tiles=False, channels_last=False, float32_frames=True)
    return (
        Descriptor(name=name, plan=Window(chunk=STEADIED, before=radius, after=radius), traits=traits)
        if radius
        else None
    )


def steadied(faithful: vs.VideoNode, painted: vs.VideoNode, descriptor: Descriptor, options: Options) -> vs.VideoNode:
    """Return painted frames with steady detail.

    Every frame is painted once; a steady frame takes those around it from VapourSynth's cache, so it stays a function
    of the clip and its number alone.

    Args:
        faithful: RGBS, what was painted on, with its cuts marked.
        painted: RGBS of the same size.
        descriptor: of :func:`steadying`.
        options: device and scene detection.

    """

    def build() -> nn.Module:
        from ..networks.steady_detail import SteadyDetail

        return SteadyDetail()

    for clip in (faithful, painted):
        keep(clip, frames_in_flight(descriptor.plan, options.device))
    stage = Stage(descriptor=descriptor, build=build, companions={FAITHFUL: Companion([faithful])})
    return through(painted, stage, replace(options, precision="float32"))
