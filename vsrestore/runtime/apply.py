"""The calls by which a filter hands its clip to the runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil

import vapoursynth as vs

from ..devices import pick
from ..devices.parts import Build, Parts
from ..video import checks
from ..video.between import Between, around
from ..video.cache import keep
from ..video.errors import fail
from ..video.formats import from_planes
from ..video.prepared import Prepared
from ..video.repeats import compared, marked
from .advice import smallest_tile
from .call import Companion
from .descriptor import PRECISIONS, Descriptor, Options
from .engine import Engine
from .graph import chunk_graph, frames_in_flight
from .plans.pair import FOLLOWING


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One network on the way of a clip, with all that is its own."""

    descriptor: Descriptor
    build: Build | Parts
    """Returns the network with its weights, or tells its parts; asked on first use, where networks run."""
    companions: Mapping[str, Companion] = field(default_factory=dict)
    """Clips that the network sees beside its frames, by the keyword that it takes them as."""
    arguments: Mapping[str, object] = field(default_factory=dict)
    """What else its forward takes (a strength, say)."""


def apply(clip: vs.VideoNode, stage: Stage, options: Options) -> vs.VideoNode:
    """Return ``clip`` as the network of one stage restores it; see :func:`apply_stages`."""
    return apply_stages(clip, [stage], options)


def apply_stages(clip: vs.VideoNode, stages: Sequence[Stage], options: Options) -> vs.VideoNode:
    """Return ``clip`` as networks restore it, each the frames of the one before, in the format of ``clip``.

    Between the stages frames stay float32 in [0, 1], so the format of ``clip`` costs nothing there. No frame is
    rendered and no network is built before the first frame is asked for.

    Args:
        clip: any constant format, progressive.
        stages: the networks in order.
        options: device, precision, tile and scene detection.

    Raises:
        vs.Error: clip, chunk, tile, precision or device do not fit.

    """
    prepared = prepare(clip, [stage.descriptor for stage in stages], options)
    result = frames = picture = prepared.planes(stages[0].descriptor.planes)
    for index, stage in enumerate(stages):
        if index:
            frames, picture = prepared.continued(result, stage.descriptor.planes)
        result = through(frames, stage, options)
        if (result.format.color_family, picture.format.color_family) == (vs.GRAY, vs.RGB):
            result = from_planes(result, frames, picture)
    return prepared.finished(result)


def apply_between(
    clip: vs.VideoNode, stage: Stage, options: Options, rate: Fraction, *, skips_repeats: bool = False
) -> vs.VideoNode:
    """Return ``clip`` at another frame rate, the frames between its own as the network of a stage makes them.

    A frame that lies on one of ``clip`` is that frame. Nothing is made across a cut: the nearer frame is shown again.

    Args:
        clip: any constant format, progressive.
        stage: the network, its plan a ``Pair``.
        options: device, precision, tile and scene detection.
        rate: frames given / frames taken.
        skips_repeats: whether frames that a transfer repeated are left out, and made anew where they stood.

    Raises:
        vs.Error: clip, chunk, tile, precision or device do not fit.

    """
    kept = ceil(frames_in_flight(stage.descriptor.plan, options.device) / rate) + len(around(rate))
    prepared = prepare(clip, [stage.descriptor], options, kept)
    frames = prepared.planes(stage.descriptor.planes)
    if skips_repeats:
        frames = keep(marked(frames), kept + vs.core.num_threads)
    between = Between(frames if skips_repeats else prepared.source, rate)
    first, second = between.pair(frames)
    beside = {**stage.companions, FOLLOWING: Companion([second], at="wanted")}
    return prepared.completed(through(first, replace(stage, companions=beside), options), between)


def prepare(
    clip: vs.VideoNode, descriptors: Sequence[Descriptor], options: Options, kept: int | None = None
) -> Prepared:
    """Return the clip prepared for networks, one after another.

    Args:
        clip: any constant format, progressive.
        descriptors: of the networks, in order.
        options: device, precision, tile and scene detection.
        kept: frames that are asked for again, None where only the networks' plans ask for them.

    Raises:
        vs.Error: anything does not fit.

    """
    name = descriptors[0].name
    checks.constant_clip(name, clip)
    for descriptor in descriptors:
        check(clip, descriptor, options)
    marked = options.scene_changes and any(descriptor.plan.within_shots for descriptor in descriptors)
    if kept is None:
        kept = sum(frames_in_flight(descriptor.plan, options.device) for descriptor in descriptors)
    return Prepared(name, clip, scene_changes=marked, kept=kept)


def through(frames: vs.VideoNode, stage: Stage, options: Options, asked: int | None = None) -> vs.VideoNode:
    """Return what the network of a stage makes of the RGBS or GRAYS frames that it sees: pictures or values.

    Args:
        frames: RGBS or GRAYS.
        stage: the network.
        options: of the user.
        asked: neighbouring frames of the result that later stages ask for again before they move on (see
            `frames_in_flight`): so many are kept, so that none is made twice in linear decoding. None where each is
            asked for once, in order.

    """
    plan = stage.descriptor.plan
    inputs, companions = plan.beside(frames)
    if plan.skips_repeats:
        inputs = keep(compared(inputs), frames_in_flight(plan, options.device) + vs.core.num_threads)
    beside = {**companions, **stage.companions}
    engine = Engine(stage.descriptor, options, stage.build, stage.arguments, beside)
    return chunk_graph(inputs, engine, pick.turns(options.device), asked)


def check(clip: vs.VideoNode, descriptor: Descriptor, options: Options) -> None:
    """Raise ``vs.Error`` unless clip, chunk, tile, precision and device fit the network of ``descriptor``."""
    name, traits = descriptor.name, descriptor.traits
    if min(clip.width, clip.height) < traits.minimum:
        fail(
            name,
            f"the clip is {clip.width}x{clip.height}; this network needs at least {traits.minimum} pixels each way",
        )
    descriptor.plan.check(name)
    if options.precision is not None:
        checks.choice(name, "precision", options.precision, PRECISIONS)
    if options.precision not in (None, *traits.precisions):
        fail(name, f"precision={options.precision!r} harms this network; accepted: {', '.join(traits.precisions)}")
    if options.tile is not None:
        checks.whole(name, "tile", options.tile, smallest_tile(descriptor))
        if not traits.tiles:
            fail(name, "tile is given, but this network needs the whole frame; leave tile out")
    pick.check(name, options.device)
