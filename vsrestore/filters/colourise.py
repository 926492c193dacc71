"""Networks that see luma and give colours: painted at their own size, steadied along the motion, put on the source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..devices.parts import Build
from ..networks.traits import Traits
from ..runtime.apply import Stage, prepare, through
from ..runtime.descriptor import Descriptor, Options
from ..runtime.graph import frames_in_flight
from ..runtime.plans.window import Window
from ..video import checks
from ..video.cache import keep
from ..video.colour import Join, colour_format, enlarged, told_if_coloured, turned

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
        descriptor: of a network that sees each frame alone and has an ``output_size``: what it gives are the luma it
            saw and two planes of colour, in [0, 1].
        build: returns the network with its weights.
        options: device, precision and scene detection.
        space: of the two planes.
        wishes: of the user.

    Raises:
        vs.Error: clip, numbers, format, precision or device do not fit.

    """
    name = descriptor.name
    checks.constant_clip(name, clip)
    target = colour_format(name, clip, wishes.format)
    check_wishes(name, wishes)
    steadying = [_steadying(name, wishes.stabilize)] if wishes.stabilize else []
    prepared = prepare(told_if_coloured(name, clip), [descriptor, *steadying], options)
    frames = prepared.planes("rgb")
    painted = through(frames, Stage(descriptor=descriptor, build=build), options).std.CopyFrameProps(frames)
    keep(painted, frames_in_flight(steadying[0].plan, options.device) if steadying else 0)
    if steadying:
        painted = _steady(painted, steadying[0], options, space.likeness / space.span)
    return prepared.painted(joined(name, frames, painted, space, wishes), target)


def joined(name: str, frames: vs.VideoNode, painted: vs.VideoNode, space: Space, wishes: Wishes) -> vs.VideoNode:
    """Return RGBS frames with the colours that a network found.

    Args:
        name: the filter, for messages.
        frames: the RGBS frames whose brightness counts.
        painted: RGBS in name only, of any size: brightness and two planes of colour, stored as ``space`` tells.
        space: of the two planes.
        wishes: of the user.

    """
    planes = turned(enlarged(name, painted, frames, wishes.upscale), space.span, wishes.saturation, wishes.hue)
    return space.join(frames, *planes)


def check_wishes(name: str, wishes: Wishes) -> None:
    """Raise ``vs.Error`` unless what the user wishes can be done."""
    checks.whole(name, "stabilize", wishes.stabilize, 0)
    checks.within(name, "stabilize", wishes.stabilize, 0, MOST_STEADY)
    checks.within(name, "saturation", wishes.saturation, 0, 10)
    checks.within(name, "hue", wishes.hue, -360, 360)


def _steady(painted: vs.VideoNode, descriptor: Descriptor, options: Options, likeness: float) -> vs.VideoNode:
    """Return painted frames whose colours are those of a window of frames along the motion.

    What has to change is found at half the size and then added: colours are soft, and networks paint no flicker of
    single pixels.
    """

    def build() -> nn.Module:
        from ..networks.steady_colour import SteadyColour

        return SteadyColour(likeness)

    small = painted.resize.Bilinear(painted.width // 2, painted.height // 2)
    keep(small, frames_in_flight(descriptor.plan, options.device))
    steady = through(small, Stage(descriptor=descriptor, build=build), replace(options, precision="float32"))
    changes = vs.core.std.Expr([steady, small], "x y -").resize.Bilinear(painted.width, painted.height)
    return vs.core.std.Expr([painted, changes], ["", "x y +", "x y +"])


def _steadying(name: str, radius: int) -> Descriptor:
    traits = Traits(tiles=False, channels_last=False, float32_frames=True)
    return Descriptor(name=name, plan=Window(chunk=STEADIED, before=radius, after=radius), traits=traits)
