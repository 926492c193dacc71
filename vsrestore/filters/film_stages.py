"""The stages of the filter film: what lasts over frames goes first, then comes its network, then back what flies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import vapoursynth as vs

from ..networks.temporal_traits import PLANES
from ..networks.traits import Traits
from ..runtime.apply import Stage, prepare, through
from ..runtime.call import Companion
from ..runtime.descriptor import Descriptor, Options
from ..runtime.plans.sequence import Sequence
from ..runtime.plans.window import Window
from ..video.checks import constant_clip
from ..video.marks import marked, only_where
from ..video.prepared import Prepared
from .checkpoint import Model, network_of
from .temporal import temporal

if TYPE_CHECKING:
    from torch import nn

FILM = "film"  # the filter that runs the checkpoints, and one of them
STAINS, SCRATCHES, MARKS = "film-stains", "film-scratches", "film-marks"
STAIN_PASSES = 2  # in the second one neighbours have lost most of their stains, so that there is more to believe
STAIN_RADIUS, SCRATCH_RADIUS, MARK_RADIUS = 4, 2, 4  # neighbours on each side that their networks see
DESCRIPTOR = temporal(FILM)
CELL, TALL = 2, 720  # px that the finder of marks takes as one, and the height of frames for which that holds
REDUCED_TO = 240  # rows, about, that the network for stains sees of a frame
FILL = Sequence(chunk=8, overlap=6)  # a mark lasts five frames at most
FLIGHT = Window(chunk=2, before=2, after=2, skips_repeats=True)  # short: a seek asks for two chunks of the network's
WHOLE = Traits(tiles=False, channels_last=False, float32_frames=True)  # what is not learnt takes frames as they are


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What of a film is repaired, for the filter of a name; arguments as those of ``film``."""

    name: str
    grain: float
    stains: bool
    scratches: bool
    marks: bool
    model: Model
    options: Options

    def of(self, clip: vs.VideoNode) -> tuple[Prepared, vs.VideoNode]:
        """Return a clip as it is prepared for networks, and its repaired frames, RGBS."""
        constant_clip(self.name, clip)
        stains = [self._stains(clip.height)] * STAIN_PASSES if self.stains else []
        marks = [self._marks(clip.height)] if self.marks else []
        scratches = [self._scratches] if self.scratches else []
        stages = [*stains, *marks, *scratches, self._last]
        prepared = prepare(clip, [stage.descriptor for stage in stages], self.options)
        frames = prepared.planes("rgb")
        for stage in stages[:-1]:
            repaired = self._filled(frames, stage) if stage in marks else through(frames, stage, self.options)
            frames, _ = prepared.continued(repaired, "rgb")
        repaired, _ = prepared.continued(through(frames, self._last, self.options), "rgb")
        return prepared, self._with_what_flies(repaired, frames)

    @cached_property
    def _last(self) -> Stage:
        build = network_of(FILM, self.model, "temporal_unet")
        return Stage(descriptor=DESCRIPTOR.changed(name=self.name), build=build, arguments={"grain": float(self.grain)})

    @cached_property
    def _scratches(self) -> Stage:
        build = network_of(FILM, SCRATCHES, "scratch_repair")
        return Stage(descriptor=Descriptor(name=self.name, plan=_window(SCRATCH_RADIUS), traits=PLANES), build=build)

    def _stains(self, height: int) -> Stage:
        traits = replace(PLANES, tile_overlap=128)
        descriptor = Descriptor(name=self.name, plan=_window(STAIN_RADIUS), traits=traits)
        build = network_of(FILM, STAINS, "stain_repair")
        return Stage(descriptor=descriptor, build=build, arguments={"reduced": max(1, round(height / REDUCED_TO))})

    def _marks(self, height: int) -> Stage:
        descriptor = Descriptor(name=self.name, plan=_window(MARK_RADIUS), traits=PLANES, values=1)
        build = network_of(FILM, MARKS, "mark_finder")
        return Stage(descriptor=descriptor, build=build, arguments={"cell": CELL * max(1, round(height / TALL))})

    def _filled(self, frames: vs.VideoNode, finder: Stage) -> vs.VideoNode:
        """Return frames with what the finder marks filled along the motion, from those where it is not."""
        mask = through(frames, finder, self.options).std.CopyFrameProps(frames)
        descriptor = Descriptor(name=self.name, plan=FILL, traits=WHOLE, only_where="mask")
        fill = Stage(descriptor=descriptor, build=_fills, companions={"mask": Companion([mask])})
        return only_where(marked(mask), through(frames, fill, replace(self.options, tile=None)), frames)

    def _with_what_flies(self, repaired: vs.VideoNode, before: vs.VideoNode) -> vs.VideoNode:
        """Return repaired frames with what the repair took out of those before although it flies through them."""
        descriptor = Descriptor(name=self.name, plan=FLIGHT, traits=WHOLE)
        stage = Stage(descriptor=descriptor, build=_trajectories, companions={"before": Companion([before])})
        return through(repaired, stage, replace(self.options, tile=None))


def _window(radius: int) -> Window:
    return Window(chunk=8, before=radius, after=radius, border=PLANES.border, halves=True)


def _fills() -> nn.Module:
    from ..networks.motion_fill import MotionFill

    return MotionFill()


def _trajectories() -> nn.Module:
    from ..networks.trajectories import Trajectories

    return Trajectories()
