"""One toy of every kind of network that the mission has, called as a filter would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import vapoursynth as vs
from torch import nn

from tests.runtime import networks as nets
from tests.runtime.every_other import EveryOther, Mean
from vsrestore.devices.parts import Build, Part, Parts
from vsrestore.runtime.apply import Stage, apply, apply_between, apply_stages, prepare, through
from vsrestore.runtime.call import Companion
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.pair import Pair
from vsrestore.runtime.plans.plan import Plan
from vsrestore.runtime.plans.references import REFERENCES, ChosenReferences, StridedReferences
from vsrestore.runtime.plans.sequence import Sequence
from vsrestore.runtime.plans.single import Single
from vsrestore.runtime.plans.window import Window

CPU = Options(device="cpu", scene_changes=False)
Companions = Callable[[vs.VideoNode], dict[str, Companion]]


@dataclass(frozen=True)
class Kind:
    plan: Plan
    network: Build | Parts
    calls: int
    """Of the network, in a clip of 40 frames."""
    companions: Companions = lambda _: {}
    facts: dict[str, object] = field(default_factory=dict)
    rate: Fraction = Fraction(1)
    """Frames given / frames taken."""

    def counted(self, made: list[nn.Module]) -> Build | Parts:
        """The network, which is noted in ``made`` when it is built."""
        network = self.network

        def note(built: nn.Module) -> nn.Module:
            made.append(built)
            return built

        if isinstance(network, Parts):
            return Parts(network.parts, lambda parts: note(network.join(parts)))
        return lambda: note(network())

    def restored(self, clip: vs.VideoNode, options: Options = CPU, build: Build | Parts | None = None) -> vs.VideoNode:
        descriptor = Descriptor(name="toy", plan=self.plan, **self.facts)
        stage = Stage(descriptor=descriptor, build=build or self.network, companions=self.companions(clip))
        return apply(clip, stage, options)


def references_of(number: int) -> tuple[int, int]:
    """Two frames from anywhere, the same for several neighbours."""
    return number // 3 % 2, 2


def mask(clip: vs.VideoNode) -> dict[str, Companion]:
    """White on the left half of every third frame."""
    left = vs.core.std.BlankClip(clip, format=vs.GRAYS, color=1, width=clip.width // 2, keep=True)
    right = vs.core.std.BlankClip(clip, format=vs.GRAYS, color=0, width=clip.width - clip.width // 2, keep=True)
    dark = vs.core.std.BlankClip(clip, format=vs.GRAYS, color=0, keep=True)
    white = vs.core.std.StackHorizontal([left, right])
    return {"mask": Companion([vs.core.std.Interleave([white, dark, dark]).std.Trim(length=clip.num_frames)])}


def both(networks: object) -> nn.Module:
    return nets.Joined(dict(networks))


class Flowing(Kind):
    """A stage that gives values, kept as a clip, and one that takes them beside its frames."""

    first = Descriptor(name="toy", plan=Window(chunk=3, after=1), values=2)
    second = Descriptor(name="toy", plan=Single(chunk=2))

    def restored(self, clip: vs.VideoNode, options: Options = CPU, build: Build | Parts | None = None) -> vs.VideoNode:
        prepared = prepare(clip, [self.first, self.second], options)
        seen = prepared.planes("rgb")
        flow = through(seen, Stage(descriptor=self.first, build=build or nets.Differences), options)
        beside = {"flow": Companion([flow], channels=2)}
        stage = Stage(descriptor=self.second, build=nets.Undone, companions=beside)
        return prepared.finished(through(seen, stage, options))


class Interpolated(Kind):
    """Frames between those of the clip."""

    def restored(self, clip: vs.VideoNode, options: Options = CPU, build: Build | Parts | None = None) -> vs.VideoNode:
        stage = Stage(descriptor=Descriptor(name="toy", plan=self.plan), build=build or self.network)
        return apply_between(clip, stage, options, self.rate)


class TwoStages(Kind):
    """A network on luma after one on RGB."""

    def restored(self, clip: vs.VideoNode, options: Options = CPU, build: Build | Parts | None = None) -> vs.VideoNode:
        luma = nets.with_traits(nets.BATCH, channels="luma")
        first = Stage(descriptor=nets.WINDOW, build=build or nets.WindowMean)
        return apply_stages(clip, [first, Stage(descriptor=luma, build=nets.Identity)], options)


class Referring(Kind):
    """A window that sees others of its shot, told by marks that lie on all frames."""

    def restored(self, clip: vs.VideoNode, options: Options = CPU, build: Build | Parts | None = None) -> vs.VideoNode:
        descriptor = Descriptor(name="toy", plan=self.plan)
        seen = prepare(clip, [descriptor], options)
        frames = seen.planes("rgb")
        marks = vs.core.std.BlankClip(frames, width=1, height=1, format=vs.GRAY8, color=1, keep=True)
        beside = {REFERENCES: Companion(self.plan.companions(frames, frames, marks), at="wanted")}
        stage = Stage(descriptor=descriptor, build=build or self.network, companions=beside)
        return seen.finished(through(frames, stage, options))


PARTS = Parts(
    {
        "encoder": Part(lambda: nets.Scale(0.5), precision="bfloat16", rests_on="machine"),
        "decoder": Part(lambda: nets.Scale(2.0)),
    },
    both,
)

KINDS: dict[str, Kind] = {
    "single": Kind(Single(chunk=3), nets.Identity, 14),
    "window": Kind(Window(chunk=4, before=2, after=2), nets.WindowMean, 10),
    "window, circle": Kind(Window(chunk=4, before=2, after=2, border="reflect_circle"), nets.WindowMean, 10),
    "window, black": Kind(Window(chunk=4, before=2, after=2, border="black_short", halves=True), nets.LitMean, 20),
    "window, halves": Kind(Window(chunk=4, before=2, after=2, halves=True), nets.WindowMean, 20),
    "window, repeats": Kind(Window(chunk=4, before=2, after=2, skips_repeats=True), nets.WindowMean, 10),
    "sequence": Kind(Sequence(chunk=5, overlap=2), nets.FirstOfSequence, 8),
    "sequence, kept": Kind(Sequence(chunk=5, overlap=2, keeps=True), nets.KeepsWanted, 8),
    "sequence, even": Kind(Sequence(chunk=4, overlap=2, multiple=2, minimum=4), nets.FirstOfSequence, 10),
    "sequence, mirrored": Kind(Sequence(chunk=4, overlap=2, border="reflect"), nets.FirstOfSequence, 10),
    "sequence, averaged": Kind(Sequence(chunk=4, overlap=3, joins=True), nets.FirstOfSequence, 10),
    "pair": Interpolated(Pair(chunk=3), nets.Between, 26, rate=Fraction(2)),
    "pair, alone": Interpolated(Pair(), nets.Between, 39, rate=Fraction(2)),
    "pair, 5/2": Interpolated(Pair(chunk=4), nets.Between, 25, rate=Fraction(5, 2)),
    "pair, 3/5": Interpolated(Pair(chunk=4), nets.Between, 6, rate=Fraction(3, 5)),
    "strided references": Referring(StridedReferences(chunk=3, stride=4, count=4), nets.MeanOfReferences, 14),
    "strided references, all": Referring(
        StridedReferences(chunk=3, stride=4, everywhere=True, length=40), nets.MeanOfReferences, 14
    ),
    "chosen references": Kind(
        ChosenReferences(chunk=4, before=1, after=1, choose=references_of, count=2), nets.MeanOfChosen, 10
    ),
    "mask": Kind(Single(chunk=2), nets.Masked, 14, mask, {"only_where": "mask"}),
    "numbers": Kind(Single(chunk=2), nets.Noisy, 20, facts={"numbered": True}),
    "parts": Kind(Single(chunk=2), PARTS, 20),
    "values": Flowing(Window(chunk=3, after=1), nets.Differences, 14),
    "two stages": TwoStages(Window(chunk=4, before=2, after=2), nets.WindowMean, 10),
    "a kind of its own": Kind(EveryOther(chunk=3), Mean, 40),
}
