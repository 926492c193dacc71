"""The one call by which a filter hands its clip to the runtime."""

from __future__ import annotations

import vapoursynth as vs

from ..video import checks
from ..video.errors import fail
from ..video.formats import from_planes, to_planes, with_matrix
from ..video.props import follow, stretched
from ..video.scenes import scenes
from . import device as devices
from .descriptor import PRECISIONS, Descriptor, Options
from .engine import Build, Engine
from .graph import chunk_graph


def apply(
    clip: vs.VideoNode, descriptor: Descriptor, build: Build, options: Options, **arguments: object
) -> vs.VideoNode:
    """Return ``clip`` as the network of ``descriptor`` restores it, in the format of ``clip``.

    No frame is rendered and no network is built before the first frame is asked for.

    Args:
        clip: any constant format, progressive.
        descriptor: what the network needs and gives.
        build: returns the network with its weights; called on first use, in the runtime's thread.
        options: device, precision, tile and scene detection.
        arguments: what the network's forward takes beside the frames (a strength, say).

    Raises:
        vs.Error: clip, chunk, tile, precision or device do not fit.

    """
    name = descriptor.name
    checks.constant_clip(name, clip)
    _check(clip, descriptor, options)
    source = checks.progressive(name, clip)
    if descriptor.kind != "image" and options.scene_changes:
        source = scenes(source)
    named = with_matrix(name, source)
    seen = to_planes(named, descriptor.planes)
    result = chunk_graph(seen, Engine(descriptor, options, build, **arguments))
    result = from_planes(result, stretched(seen, descriptor.frame_factor), stretched(named, descriptor.frame_factor))
    return follow(result, source, descriptor.frame_factor)


def _check(clip: vs.VideoNode, descriptor: Descriptor, options: Options) -> None:
    name = descriptor.name
    if min(clip.width, clip.height) < descriptor.minimum:
        fail(
            name,
            f"the clip is {clip.width}x{clip.height}; this network needs at least {descriptor.minimum} pixels each way",
        )
    checks.whole(name, "chunk", descriptor.chunk, 1)
    if descriptor.kind == "recurrent" and max(descriptor.before, descriptor.after) > descriptor.chunk:
        fail(name, f"overlap={descriptor.before} is more than chunk={descriptor.chunk}; it may be at most the chunk")
    checks.choice(name, "precision", options.precision, PRECISIONS)
    if options.precision not in descriptor.precisions:
        fail(name, f"precision={options.precision!r} harms this network; accepted: {', '.join(descriptor.precisions)}")
    _check_tile(descriptor, options.tile)
    devices.check(name, options.device)


def _check_tile(descriptor: Descriptor, tile: int | None) -> None:
    if tile is None:
        return
    smallest = max(2 * descriptor.tile_overlap, descriptor.minimum, descriptor.multiple)
    checks.whole(descriptor.name, "tile", tile, smallest)
    if not descriptor.tiles:
        fail(descriptor.name, "tile is given, but this network needs the whole frame; leave tile out")
