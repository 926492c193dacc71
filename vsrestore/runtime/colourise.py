"""Networks that see luma and give colours: painted at their own size, steadied along the motion, put on the source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..video import checks
from ..video.cache import keep, keep_shared
from ..video.colour import Join, colour_format, enlarged, told_if_coloured, turned
from ..video.formats import to_planes, with_colours, with_matrix
from ..video.props import follow
from ..video.scenes import scenes
from .apply import check
from .descriptor import Descriptor, Options
from .engine import Build, Engine
from .graph import chunk_graph, kept_for

if TYPE_CHECKING:
    from torch import nn

MOST_STEADY = 10
# Frames that are steadied at once: the more, the cheaper, but a seek has to paint as many.
STEADIED = 2


@dataclass(frozen=True, kw_only=True)
class Space:
    """The colour space in which a network gives its two planes."""

    join: Join
    """Puts the planes on an RGBS clip."""
    span: float
    """The planes are stored as c / span + 0.5."""
    likeness: float
    """Distance at which a colour differs so much from most of its neighbours that it counts half."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a user may choose about the colours; arguments as for ``ddcolor``."""

    stabilize: int
    saturation: float
    hue: float
    upscale: str
    format: int | None


def colourise(
    clip: vs.VideoNode, descriptor: Descriptor, build: Build, options: Options, space: Space, wishes: Wishes
) -> vs.VideoNode:
    """Return ``clip`` painted.

    Every frame is painted once; a steady frame takes those around it from VapourSynth's cache, so it stays a function
    of the clip and its number alone.

    Args:
        clip: any constant format, progressive.
        descriptor: kind "image" with an ``output_size``: what the network gives are the luma it saw and two planes of
            colour, in [0, 1].
        build: returns the network with its weights.
        options: device, precision and scene detection.
        space: of the two planes.
        wishes: of the user.

    Raises:
        vs.Error: clip, numbers, format, precision or device do not fit.

    """
    name = descriptor.name
    checks.constant_clip(name, clip)
    check(clip, descriptor, options)
    target = colour_format(name, clip, wishes.format)
    _check_wishes(name, wishes)
    kept = kept_for(descriptor, _steadying(name, wishes.stabilize))
    source = keep(told_if_coloured(name, checks.progressive(name, clip)), kept)
    if wishes.stabilize and options.scene_changes:
        source = keep(scenes(source), kept)
    named = keep(with_matrix(name, source), kept)
    seen = keep(to_planes(named, "rgb"), kept)
    painted = keep(chunk_graph(seen, Engine(descriptor, options, build)).std.CopyFrameProps(seen), kept)
    if wishes.stabilize:
        painted = _steady(painted, name, options, wishes.stabilize, space.likeness / space.span)
    planes = turned(enlarged(name, painted, clip, wishes.upscale), space.span, wishes.saturation, wishes.hue)
    result = with_colours(space.join(seen, *planes), named, target)
    return keep_shared(follow(result, source, 1) if target.color_family == clip.format.color_family else result)


def _check_wishes(name: str, wishes: Wishes) -> None:
    checks.whole(name, "stabilize", wishes.stabilize, 0)
    checks.within(name, "stabilize", wishes.stabilize, 0, MOST_STEADY)
    checks.within(name, "saturation", wishes.saturation, 0, 10)
    checks.within(name, "hue", wishes.hue, -360, 360)


def _steady(painted: vs.VideoNode, name: str, options: Options, radius: int, likeness: float) -> vs.VideoNode:
    """Return painted frames whose colours are those of a window of frames along the motion.

    What has to change is found at half the size and then added: colours are soft, and networks paint no flicker of
    single pixels.
    """

    def build() -> nn.Module:
        from ..networks.steady_colour import SteadyColour

        return SteadyColour(likeness)

    small = painted.resize.Bilinear(painted.width // 2, painted.height // 2)
    descriptor = _steadying(name, radius)
    keep(small, kept_for(descriptor))
    steady = chunk_graph(small, Engine(descriptor, replace(options, precision="float32"), build))
    changes = vs.core.std.Expr([steady, small], "x y -").resize.Bilinear(painted.width, painted.height)
    return vs.core.std.Expr([painted, changes], ["", "x y +", "x y +"])


def _steadying(name: str, radius: int) -> Descriptor:
    return Descriptor(
        name=name,
        kind="window",
        chunk=STEADIED,
        before=radius,
        after=radius,
        tiles=False,
        channels_last=False,
        float32_frames=True,
    )
