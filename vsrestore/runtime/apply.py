"""The one call by which a filter hands its clip to the runtime."""

from __future__ import annotations

from collections.abc import Sequence

import vapoursynth as vs

from ..video import checks
from ..video.cache import keep, keep_shared
from ..video.errors import fail
from ..video.formats import from_planes, to_planes, with_matrix
from ..video.props import follow, stretched
from ..video.repeats import compared
from ..video.scenes import scenes
from . import device as devices
from .descriptor import PRECISIONS, Descriptor, Options
from .engine import Build, Engine
from .graph import chunk_graph, kept_for


def apply(
    clip: vs.VideoNode,
    descriptor: Descriptor,
    build: Build,
    options: Options,
    mask: vs.VideoNode | None = None,
    **arguments: object,
) -> vs.VideoNode:
    """Return ``clip`` as the network of ``descriptor`` restores it, in the format of ``clip``.

    No frame is rendered and no network is built before the first frame is asked for.

    Args:
        clip: any constant format, progressive.
        descriptor: what the network needs and gives.
        build: returns the network with its weights; called on first use, in the runtime's thread.
        options: device, precision, tile and scene detection.
        mask: a GRAYS clip of the same size and length, which the network sees as one more channel.
        arguments: what the network's forward takes beside the frames (a strength, say).

    Raises:
        vs.Error: clip, chunk, tile, precision or device do not fit.

    """
    return apply_stages(clip, [(descriptor, build)], options, mask, **arguments)


def apply_stages(
    clip: vs.VideoNode,
    stages: Sequence[tuple[Descriptor, Build]],
    options: Options,
    mask: vs.VideoNode | None = None,
    **arguments: object,
) -> vs.VideoNode:
    """Return ``clip`` as several networks restore it, each the frames of the one before; see :func:`apply`.

    Between the stages frames stay float32 in [0, 1], so the format of ``clip`` costs nothing there. The first
    network sees the mask.
    """
    first = stages[0][0]
    name = first.name
    checks.constant_clip(name, clip)
    for descriptor, _ in stages:
        check(clip, descriptor, options)
    kept = kept_for(*(descriptor for descriptor, _ in stages))
    source = keep(checks.progressive(name, clip), kept)
    if options.scene_changes and any(descriptor.kind != "image" for descriptor, _ in stages):
        source = keep(scenes(source), kept)
    named = keep(with_matrix(name, source), kept)
    seen = result = keep(to_planes(named, first.planes), kept)
    if any(descriptor.skips_repeats for descriptor, _ in stages):
        seen = result = keep(compared(seen), kept)
    factor = 1
    for descriptor, build in stages:
        taken = seen if result is seen else keep(follow(result, seen, factor), 0)
        beside = mask if result is seen else None
        result = chunk_graph(taken, Engine(descriptor, options, build, **arguments), beside)
        factor *= descriptor.frame_factor
    result = from_planes(result, stretched(seen, factor), stretched(named, factor))
    return keep_shared(follow(result, source, factor))


def check(clip: vs.VideoNode, descriptor: Descriptor, options: Options) -> None:
    """Raise ``vs.Error`` unless clip, chunk, tile, precision and device fit the network of ``descriptor``."""
    name = descriptor.name
    if min(clip.width, clip.height) < descriptor.minimum:
        fail(
            name,
            f"the clip is {clip.width}x{clip.height}; this network needs at least {descriptor.minimum} pixels each way",
        )
    checks.whole(name, "chunk", descriptor.chunk, 1)
    if descriptor.kind == "recurrent":
        _check_overlap(descriptor)
    checks.choice(name, "precision", options.precision, PRECISIONS)
    if options.precision not in descriptor.precisions:
        fail(name, f"precision={options.precision!r} harms this network; accepted: {', '.join(descriptor.precisions)}")
    _check_tile(descriptor, options.tile)
    devices.check(name, options.device)


def _check_overlap(descriptor: Descriptor) -> None:
    checks.whole(descriptor.name, "overlap", descriptor.before, 0)
    if max(descriptor.before, descriptor.after) > descriptor.chunk:
        told = f"overlap={descriptor.before} is more than chunk={descriptor.chunk}"
        fail(descriptor.name, f"{told}; it may be at most the chunk")


def _check_tile(descriptor: Descriptor, tile: int | None) -> None:
    if tile is None:
        return
    smallest = max(2 * descriptor.tile_overlap, descriptor.minimum, descriptor.multiple)
    checks.whole(descriptor.name, "tile", tile, smallest)
    if not descriptor.tiles:
        fail(descriptor.name, "tile is given, but this network needs the whole frame; leave tile out")
