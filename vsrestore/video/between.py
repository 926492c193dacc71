"""A clip at another frame rate: which frames lie between which, how long each is shown, where scenes begin.

Frame n of the output lies at frame n / rate of the source. What is told of the source's frames and of the output's
places travels as properties of tiny clips, so that a frame is a function of the clip and its number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

import vapoursynth as vs

from .cache import keep, uncached
from .props import DURATION, OF_ONE_FRAME, duration_of, starts_scene
from .repeats import REPEATED
from .scenes import NEXT, PREVIOUS, shifted

TIME = "vsrestore_time"
"""Of the frames of a pair: how far the wanted one lies from the first (0) to the second (1); 0 is the first itself."""
RATE = ("vsrestore_rate_num", "vsrestore_rate_den")
"""Of every frame of the output: frames given / frames taken, since the source."""

FIRST, SECOND = "vsrestore_first", "vsrestore_second"
STARTS = "vsrestore_starts"
# Repeats stand alone, so the frames of a pair are at most one further away than the neighbours of a place.
LANES = (-1, 0, 1, 2)
# What is told of a frame is asked for again by all places around it.
KEPT = 64
# VapourSynth and what reads y4m hold rates in 32 bits.
FINEST = 1_000_000

Frames = Sequence[vs.VideoFrame]


@dataclass(frozen=True)
class Place:
    """Where a frame of the output lies: between two frames of the source, or on the first of them (time 0)."""

    first: int
    second: int
    time: Fraction = Fraction(0)


def around(rate: Fraction) -> range:
    """Return which frames of the source, counted from the one before it, tell how a frame of the output is shown."""
    steps = ceil(1 / rate)
    return range(-steps - 1, steps + 3)


def place(position: Fraction, length: int, starts: Callable[[int], bool], repeated: Callable[[int], bool]) -> Place:
    """Return what is shown at a position of a clip of ``length`` frames.

    No pair lies across a cut: there the nearer frame is shown again, of two as near the later. After the last frame
    that one is. A repeated frame between two others of its scene counts as if it were not there.

    Args:
        position: of the wanted frame, in frames.
        length: frames of the clip.
        starts: whether a frame starts a scene.
        repeated: whether a frame is the one before it again.

    """

    def joined(n: int) -> bool:
        return n + 1 < length and not starts(n + 1)

    def left_out(n: int) -> bool:
        return repeated(n) and not starts(n) and joined(n)

    before = min(int(position), length - 1)
    after, time = before + 1, position - before
    if not time and not left_out(before):
        return Place(before, before)
    if not joined(before):
        nearer = before if time < Fraction(1, 2) or after == length else after
        return Place(nearer, nearer)
    first = before - 1 if left_out(before) else before
    second = after + 1 if left_out(after) else after
    return Place(first, second, (position - first) / (second - first))


class Between:
    """A clip at another frame rate.

    Args:
        source: the clip, its cuts marked; frames marked as repeated (see ``video.repeats``) are left out.
        rate: frames given / frames taken.

    """

    def __init__(self, source: vs.VideoNode, rate: Fraction) -> None:
        self.rate = rate
        self._facts = _facts(source)
        self._places = keep(self._placed(), KEPT)

    def pair(self, clip: vs.VideoNode) -> tuple[vs.VideoNode, vs.VideoNode]:
        """Return, for every frame of the output, the frame of ``clip`` before it, with its ``TIME``, and the one after.

        Args:
            clip: as long as the source.

        """
        first, second = self._chosen(clip, FIRST), self._chosen(clip, SECOND)
        return first.std.CopyFrameProps(self._places, props=[TIME]), second

    def first(self, clip: vs.VideoNode) -> vs.VideoNode:
        """Return the frames of ``clip``, as long as the source, that lie before those of the output."""
        return self._chosen(clip, FIRST)

    def completed(self, made: vs.VideoNode, source: vs.VideoNode) -> vs.VideoNode:
        """Return the output: frames of the source where it shows those, and made ones between them.

        Every frame carries the properties of the source's frame before it. Durations add up to those of the source,
        scenes begin where their first picture is shown, and what belongs to one coded frame is on that alone.

        Args:
            made: the frames that a network made, as long as the output, in the format and size of the source.
            source: the clip.

        """
        first = self._chosen(source, FIRST)
        invented = keep(made.std.CopyFrameProps(first), 0)

        def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
            return invented if f.props[TIME] else first

        chosen = keep(first.std.FrameEval(choose, prop_src=self._places, clip_src=[invented, first]), 0)
        return self._timed(chosen)

    def _placed(self) -> vs.VideoNode:
        """Return a tiny clip, as long as the output, that tells the place of every frame."""
        blank, length, offsets = self._blank(self._facts), self._facts.num_frames, range(-1, 3)

        def tell(n: int, f: Frames) -> vs.VideoFrame:
            position = n / self.rate
            facts = {int(position) + offset: fact.props for offset, fact in zip(offsets, f[1:], strict=True)}
            here = place(position, length, lambda k: bool(facts[k][STARTS]), lambda k: bool(facts[k].get(REPEATED, 0)))
            frame = f[0].copy()
            frame.props.update({FIRST: here.first, SECOND: here.second, TIME: float(here.time)})
            return frame

        return blank.std.ModifyFrame(clips=[blank, *self._around(offsets)], selector=tell)

    def _timed(self, clip: vs.VideoNode) -> vs.VideoNode:
        """Return the output with durations, scene changes and rate as they are in it."""
        offsets = around(self.rate)
        places = [shifted(self._places, offset) for offset in (-1, 0, 1)]
        blank, length = self._blank(clip), Fraction(self._facts.num_frames)

        def time(n: int, f: Frames) -> vs.VideoFrame:
            frame, position = f[1].copy(), n / self.rate
            firsts, on_it = [int(fact.props[FIRST]) for fact in f[2:5]], not f[3].props[TIME]
            facts = {int(position) + offset: fact for offset, fact in zip(offsets, f[5:], strict=True)}
            _set_duration(frame, position, min(position + 1 / self.rate, length), facts)
            for name, (before, after) in zip((PREVIOUS, NEXT), pairwise(firsts), strict=True):
                if name in frame.props:
                    frame.props[name] = int(any(facts[k].props[STARTS] for k in range(before + 1, after + 1)))
            if not on_it or firsts[1] != position:
                for name in OF_ONE_FRAME:
                    frame.props.pop(name, None)
            multiply_rate(frame, self.rate)
            return frame

        return blank.std.ModifyFrame(clips=[blank, clip, *places, *self._around(offsets)], selector=time)

    def _around(self, offsets: Sequence[int]) -> list[vs.VideoNode]:
        """Return, as clips as long as the output, what is told of the source's frames around each place."""
        return [self._stretched(shifted(self._facts, offset)) for offset in offsets]

    def _blank(self, like: vs.VideoNode) -> vs.VideoNode:
        """Return empty frames of the format and size of ``like``, as many as the output has, at its frame rate."""
        length = ceil(self._facts.num_frames * self.rate)
        fps = (self._facts.fps * self.rate).limit_denominator(FINEST)
        rate = {"fpsnum": fps.numerator, "fpsden": fps.denominator} if fps else {}
        return uncached.BlankClip(like, length=length, keep=True, **rate)

    def _chosen(self, clip: vs.VideoNode, which: str) -> vs.VideoNode:
        """Return the frames of ``clip`` that places name as their first or second."""
        lanes = {offset: self._stretched(shifted(clip, offset)) for offset in LANES}
        blank = self._blank(clip)

        def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
            return lanes[int(f.props[which]) - int(n / self.rate)]

        return keep(blank.std.FrameEval(choose, prop_src=self._places, clip_src=list(lanes.values())), 0)

    def _stretched(self, clip: vs.VideoNode) -> vs.VideoNode:
        """Return the clip, as long as the output, whose frame n is that at n / rate or before."""
        if self.rate == 1:
            return clip
        # A cycle of one frame is none for VapourSynth.
        times = 2 if self.rate.denominator == 1 else 1
        outputs, inputs = times * self.rate.numerator, times * self.rate.denominator
        offsets = [place * inputs // outputs for place in range(outputs)]
        return uncached.SelectEvery(clip, cycle=inputs, offsets=offsets, modify_duration=False)


def _facts(source: vs.VideoNode) -> vs.VideoNode:
    """Return a tiny clip that tells of every frame whether it starts a scene or is repeated, and its duration."""
    blank = uncached.BlankClip(source, width=1, height=1, format=vs.GRAY8, keep=True)

    def tell(n: int, f: Frames) -> vs.VideoFrame:
        fact, props = f[0].copy(), f[2].props
        fact.props.clear()
        fact.props[STARTS] = int(n > 0 and starts_scene(f[1], f[2]))
        fact.props.update({name: props[name] for name in (REPEATED, *DURATION) if name in props})
        return fact

    return keep(blank.std.ModifyFrame(clips=[blank, shifted(source, -1), source], selector=tell), KEPT)


def _set_duration(frame: vs.VideoFrame, start: Fraction, end: Fraction, facts: Mapping[int, vs.VideoFrame]) -> None:
    """Give a frame the time from ``start`` to ``end``, positions in the source, whose frames may last unequally.

    A frame without a duration (source filters leave the last one open) lasts as long as the one before it.
    """
    total, known = Fraction(0), duration_of(facts[int(start) - 1].props)
    for number in range(int(start), ceil(end)):
        known = duration_of(facts[number].props) or known
        total += (min(end, Fraction(number + 1)) - max(start, Fraction(number))) * (known or 0)
    for name in DURATION:
        frame.props.pop(name, None)
    if total:
        frame.props.update(zip(DURATION, total.as_integer_ratio(), strict=True))


def multiply_rate(frame: vs.VideoFrame, rate: Fraction) -> None:
    """Say on a frame, beside what filters before have said, how many frames come of each of the source."""
    known = Fraction(*(int(frame.props.get(name, 1)) for name in RATE))
    frame.props.update(zip(RATE, (known * rate).as_integer_ratio(), strict=True))
