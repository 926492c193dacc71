"""ProPainter as stages, each a clip that the next ones ask for: flow, completed flow, filled frames, features, picture.

What the official tool computes for a clip depends on where its chunks and windows begin, and these lie on multiples of
their lengths: so a frame is a function of the clip and its number, and what lies further away is never asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Self, cast

import vapoursynth as vs

from ..networks.traits import Traits
from ..runtime.apply import Stage, through
from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor, Options
from ..runtime.graph import frames_in_flight
from ..runtime.plans.plan import LONGEST, Plan
from ..runtime.plans.references import REFERENCES, StridedReferences
from ..runtime.plans.sequence import Sequence
from ..runtime.plans.single import Single
from ..video.cache import keep, uncached
from ..video.checks import whole
from ..video.edges import edges_repeated
from ..video.errors import fail
from ..video.marks import around, by_chunk, either, marked, only_where
from ..video.prepared import Prepared
from ..video.scenes import shifted
from .checkpoint import Checkpoint, Model, recognised

if TYPE_CHECKING:
    from types import ModuleType

    from torch import nn

    from ..devices.parts import Build
    from ..networks.propainter import ProPainter

MULTIPLE, SMALLEST = 8, 128  # that frames are grown to
FLOWS, FILLED, FEATURES = 4, 4, 128  # channels of what stages give
SHRINKS = 4  # pixels of a frame that one of its features stands for, each way
PAIRS = 8  # whose flow is searched for at once
FLOW_CONTEXT, IMAGE_CONTEXT = 5, 10  # flows and frames that a chunk sees on both sides, as published
MOST_OF_PROPAGATION = 100  # frames of a chunk of the image propagation at most, as published
WHOLE = Traits(tiles=False, float32_frames=True)
PLAIN = replace(WHOLE, channels_last=False)


@dataclass(frozen=True, kw_only=True)
class Span:
    """Which frames meet which."""

    neighbor_length: int
    ref_stride: int
    references: int
    subvideo_length: int

    def check(self, name: str) -> None:
        """Raise ``vs.Error`` unless the numbers fit."""
        whole(name, "neighbor_length", self.neighbor_length, 2)
        whole(name, "ref_stride", self.ref_stride, 1)
        whole(name, "references", self.references, 0)
        whole(name, "subvideo_length", self.subvideo_length, 1)
        for argument in ("neighbor_length", "references", "subvideo_length"):
            if getattr(self, argument) > LONGEST:
                fail(name, f"{argument}={getattr(self, argument)}; at most {LONGEST} is accepted")

    @property
    def step(self) -> int:
        """From one window to the next, and from a window's middle to its ends."""
        return self.neighbor_length // 2

    def plans(self, clip: vs.VideoNode) -> Plans:
        """Return how the stages of a clip see its frames."""
        fmt, length = clip.format, clip.num_frames
        propagated = min(self.subvideo_length, MOST_OF_PROPAGATION)
        return Plans(
            flow=Sequence(chunk=PAIRS, overlap=1, keeps=True),
            # One frame more than flows: the last of them leads to it.
            completion=Sequence(
                chunk=self.subvideo_length, overlap=FLOW_CONTEXT + 1, keeps=True, overlap_is_fixed=True
            ),
            propagation=Sequence(chunk=propagated, overlap=IMAGE_CONTEXT, keeps=True, overlap_is_fixed=True),
            features=Single(),
            painting=StridedReferences(
                chunk=self.step,
                stride=self.ref_stride,
                count=self.references,
                everywhere=length <= self.subvideo_length,
                levels=255 if fmt.sample_type == vs.INTEGER and fmt.bits_per_sample == 8 else None,
                length=length,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Plans:
    """How each stage sees frames."""

    flow: Sequence
    completion: Sequence
    propagation: Sequence
    features: Single
    painting: StridedReferences


@dataclass(frozen=True)
class Networks:
    """The checkpoints of three networks."""

    flow: Checkpoint
    completion: Checkpoint
    generator: Checkpoint

    @classmethod
    def recognised(cls, name: str, flow: Model, completion: Model, generator: Model, iterations: int) -> Self:
        """Return them, given what the user calls them; raises ``vs.Error``."""
        return cls(
            generator=recognised(name, generator, "propainter"),
            flow=recognised(name, flow, "raft", iterations=iterations),
            completion=recognised(name, completion, "propainter_flow_completion", context=FLOW_CONTEXT),
        )

    def encoder(self) -> nn.Module:
        """Return the part of the generator that sees a frame alone."""
        return cast("ProPainter", self.generator.build()).encoder

    def painter(self) -> nn.Module:
        """Return the generator without that."""
        generator = self.generator.build()
        del generator.encoder
        return generator

    @staticmethod
    def propagation() -> nn.Module:
        """Return the image propagation, which has no weights."""
        from ..networks.image_propagation import ImagePropagation

        return ImagePropagation()


@dataclass(frozen=True)
class Holes:
    """Where frames are to be made anew, as GRAYS clips that are 1 there and 0 elsewhere."""

    frames: vs.VideoNode
    flow: vs.VideoNode
    """Where the flow is not believed."""


class Inpainting:
    """The stages of one clip.

    Args:
        name: of the filter.
        frames: RGBS, with its cuts; a size that all networks take.
        holes: of it.
        networks: their checkpoints.
        plans: how each stage sees frames.
        options: of the user; flows and what is carried along them are float32 whatever the precision.

    """

    def __init__(
        self, name: str, frames: vs.VideoNode, holes: Holes, networks: Networks, plans: Plans, options: Options
    ) -> None:
        self.name, self.frames, self.networks, self.plans = name, frames, networks, plans
        self.options, self.exact = options, replace(options, precision="float32")
        self.holes, self.flow_holes = (clip.std.CopyFrameProps(frames) for clip in (holes.frames, holes.flow))
        self.marks, self.flow_marks = marked(self.holes), marked(self.flow_holes)
        size = {"width": frames.width, "height": FLOWS * frames.height}
        self.still = uncached.BlankClip(self.holes, color=0, keep=True, **size)

    @cached_property
    def flow(self) -> vs.VideoNode:
        """Values: the flow from each frame to the next one, and back."""
        descriptor = Descriptor(name=self.name, plan=self.plans.flow, traits=WHOLE, values=FLOWS)
        stage = Stage(descriptor=descriptor, build=self.networks.flow.build)
        return through(self.frames, stage, self.exact, self._asked_by(self.plans.completion))

    @cached_property
    def completed_flow(self) -> vs.VideoNode:
        """Values: the flow, in holes completed."""
        plan = self.plans.completion
        descriptor = Descriptor(name=self.name, plan=plan, traits=WHOLE, values=FLOWS)
        beside = {"flow": Companion([self.flow], channels=FLOWS)}
        stage = Stage(descriptor=descriptor, build=self.networks.completion.build, companions=beside)
        ahead = self.plans.propagation.chunk + self.plans.propagation.overlap
        completed = through(self.flow_holes, stage, self.exact, self._asked_by(self.plans.painting) + ahead)
        return only_where(by_chunk(self.flow_marks, plan.chunk, after=1), completed, self.flow)

    @cached_property
    def filled(self) -> vs.VideoNode:
        """Values: frames with what others know of their holes, and what is left of those."""
        descriptor = Descriptor(name=self.name, plan=self.plans.propagation, traits=PLAIN, values=FILLED)
        # What matters is the flow to and from frames with a hole.
        flow = only_where(around(self.marks, 0, 1), self.completed_flow, self.still)
        beside = {"mask": Companion([self.holes]), "flow": Companion([flow], channels=FLOWS)}
        stage = Stage(descriptor=descriptor, build=self.networks.propagation, companions=beside)
        planes = [uncached.ShufflePlanes(self.frames, plane, vs.GRAY) for plane in range(3)]
        whole_frames = uncached.StackVertical([*(uncached.Expr(plane, "x 2 * 1 -") for plane in planes), self.holes])
        filled = through(self.frames, stage, self.exact, self._asked_by(self.plans.painting))
        return only_where(self.marks, filled, whole_frames)

    @cached_property
    def features(self) -> vs.VideoNode:
        """Values: what the generator makes of each frame alone; kept while windows share it."""
        size = (self.frames.width // SHRINKS, self.frames.height // SHRINKS)
        plan = self.plans.features
        descriptor = Descriptor(name=self.name, plan=plan, traits=WHOLE, values=FEATURES, output_size=size)
        beside = {"filled": Companion([self.filled], channels=FILLED)}
        stage = Stage(descriptor=descriptor, build=self.networks.encoder, companions=beside)
        return keep(through(self.holes, stage, self.options), self._asked_by(self.plans.painting))

    def _asked_by(self, plan: Plan) -> int:
        """Return how many neighbouring frames a stage asks for before it moves on."""
        return frames_in_flight(plan, self.options.device) + vs.core.num_threads

    @cached_property
    def painted(self) -> vs.VideoNode:
        """The clip with its holes painted, RGBS."""
        plan = self.plans.painting
        active = by_chunk(self.marks, plan.chunk, before=plan.chunk, after=1)
        # A frame is in the window of its chunk, in that of the next one, and at a chunk's beginning in the one before.
        local = either(active, either(shifted(active, -1), shifted(active, plan.chunk)))
        absent = uncached.BlankClip(self.features, color=0, keep=True)
        features = only_where(local, self.features, absent)
        beside = {
            "mask": Companion([self.holes]),
            "filled": Companion([only_where(local, self.filled, self.still)], channels=FILLED),
            "flow": Companion([only_where(local, self.completed_flow, self.still)], channels=FLOWS),
            "features": Companion([features], channels=FEATURES),
            REFERENCES: Companion(plan.companions(self.frames, self.features, active), at="wanted", channels=FEATURES),
        }
        descriptor = Descriptor(name=self.name, plan=plan, traits=WHOLE, only_where="mask")
        arguments = {"levels": plan.levels}
        stage = Stage(descriptor=descriptor, build=self.networks.painter, companions=beside, arguments=arguments)
        return only_where(self.marks, through(self.frames, stage, self.options), self.frames)


@dataclass(frozen=True)
class Learnt:
    """ProPainter as what paints a clip."""

    networks: Networks
    plans: Plans

    def descriptors(self, name: str) -> list[Descriptor]:
        """Return what the runtime asks of the clip."""
        return [Descriptor(name=name, plan=plan, traits=WHOLE) for plan in vars(self.plans).values()]

    def painted(self, prepared: Prepared, frames: vs.VideoNode, holes: Holes, options: Options) -> vs.VideoNode:
        """Return a clip with its holes painted, in its own format; outside of them the last digit may be another.

        Args:
            prepared: the clip.
            frames: what networks see of it, RGBS.
            holes: of its size.
            options: of the user.

        """
        right, bottom = _missing(frames.width), _missing(frames.height)
        grow = partial(edges_repeated, right=right, bottom=bottom)
        grown = Holes(grow(holes.frames), grow(holes.flow))
        painted = Inpainting(prepared.name, grow(frames), grown, self.networks, self.plans, options).painted
        return prepared.finished(uncached.Crop(painted, right=right, bottom=bottom))


@dataclass(frozen=True)
class Classical:
    """A fill without weights as what paints a clip."""

    module: str
    network: str
    plan: Plan

    def descriptors(self, name: str) -> list[Descriptor]:
        """Return what the runtime asks of the clip."""
        traits: Traits = self._module.describe()
        return [Descriptor(name=name, plan=self.plan, traits=traits, only_where="mask")]

    def painted(self, prepared: Prepared, frames: vs.VideoNode, holes: Holes, options: Options) -> vs.VideoNode:
        """Return a clip with its holes painted; see `Learnt.painted`."""
        build: Build = getattr(self._module, self.network)
        (descriptor,) = self.descriptors(prepared.name)
        stage = Stage(descriptor=descriptor, build=build, companions={"mask": Companion([holes.frames])})
        return prepared.finished(only_where(marked(holes.frames), through(frames, stage, options), frames))

    @property
    def _module(self) -> ModuleType:
        """The network's file, which is loaded when a script asks for it."""
        return import_module(f"vsrestore.networks.{self.module}")


CLASSICAL = {
    "flow": Classical("motion_fill", "MotionFill", Sequence(chunk=16, overlap=12)),
    "mirror": Classical("mirror_fill", "MirrorFill", Single()),
}
"""What needs no weights."""


def painter(
    name: str, clip: vs.VideoNode, models: tuple[Model, Model, Model], iterations: int, span: Span
) -> Learnt | Classical:
    """Return what paints the holes of a clip.

    Args:
        name: of the filter.
        clip: of the size and length that is painted.
        models: what the user calls the generator, or a way without weights; RAFT; the flow completion.
        iterations: of RAFT.
        span: which frames meet which.

    Raises:
        vs.Error: checkpoints or numbers that do not fit.

    """
    span.check(name)
    whole(name, "flow_iterations", iterations, 1)
    generator, flow, completion = models
    if isinstance(generator, str) and generator in CLASSICAL:
        return CLASSICAL[generator]
    return Learnt(Networks.recognised(name, flow, completion, generator, iterations), span.plans(clip))


def _missing(length: int) -> int:
    """Return by how many pixels a side grows to what all networks take."""
    return max(SMALLEST - length, -length % MULTIPLE)
