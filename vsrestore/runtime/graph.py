"""The chunk graph: a clip whose every frame is a function of the source clip and its number.

Chunk k always covers the same source frames, whatever was asked first. Three kinds of core nodes do the work: lanes
bring position j of every run, a ModifyFrame runs the network and hangs the finished frames on a small carrier frame,
and one ModifyFrame per position takes its frame off the carrier. Two of the former take turns, for each works on one
chunk at a time: one brings frames in and out while the network is busy for the other.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

import numpy as np
import vapoursynth as vs

from ..video.cache import keep, uncached
from ..video.errors import warn
from ..video.frames import plane_views, write_planes
from .call import Companion
from .descriptor import Descriptor
from .engine import TURNS, Pictures, Warn
from .out_of_memory import is_out_of_memory
from .plans.plan import Plan
from .run import Run

# Carriers kept: the one being read, those being made, and one behind for a seek.
CARRIERS_KEPT = 2 + TURNS

CHUNK = "vsrestore_chunk"
"""The property of a carrier that holds the number of its chunk's first frame."""

Frames = Sequence[vs.VideoFrame]


class ChunkMaker(Protocol):
    """What makes the frames of a chunk: an engine with its network, or a codec in its place."""

    descriptor: Descriptor

    @property
    def companions(self) -> Mapping[str, Companion]:
        """Clips beside the frames, by name."""

    def run(self, run: Run, warn: Warn) -> Pictures:
        """Return the finished pictures; arguments as for ``Engine.run``."""

    def memory_advice(self) -> str:
        """Return where memory ended and what to do, to follow the words "out of memory"."""


def chunk_graph(clip: vs.VideoNode, maker: ChunkMaker) -> vs.VideoNode:
    """Return the clip that ``maker`` makes of ``clip`` (RGBS or GRAYS), one frame for each of it."""
    plan = maker.descriptor.plan
    chunk = _chunk(plan, clip.num_frames)
    chunks = -(-clip.num_frames // chunk)
    blank = _blank(clip, maker.descriptor, chunks)
    carrier = uncached.BlankClip(clip, width=16, height=16, format=vs.GRAY8, length=chunks, keep=True)
    lanes = _all_lanes(clip, plan, maker.companions, chunks)
    turns = []
    for turn in range(min(TURNS, chunks)):
        first, *others = (_every(part, TURNS, turn) for part in (carrier, blank, *lanes))
        turns.append(uncached.ModifyFrame(first, [first, *others], _maker(maker, clip.num_frames, turn)))
    carriers = uncached.Trim(uncached.Interleave(turns, modify_duration=False), length=chunks)
    keep(carriers, CARRIERS_KEPT + _neighbouring(plan))
    seen = [carriers, *_neighbours(carriers)] if _neighbouring(plan) else [carriers]
    limited = maker.descriptor.values is None
    positions = [
        uncached.ModifyFrame(blank, seen, _taker(chunk, position, limited=limited)) for position in range(chunk)
    ]
    whole = uncached.Interleave(positions, modify_duration=False)
    return uncached.Trim(whole, first=0, length=clip.num_frames)


def frames_in_flight(plan: Plan) -> int:
    """Return how many neighbouring frames the graph asks for at once, all its turns together."""
    before, after = plan.reach
    return before + (TURNS + _neighbouring(plan)) * plan.chunk + after


def _chunk(plan: Plan, length: int) -> int:
    """Return the frames of a chunk, no more than the clip has."""
    return min(plan.chunk, length)


def _reach(plan: Plan, length: int) -> tuple[int, int]:
    """Return how many frames before and after a chunk are brought, no more than the clip has."""
    before, after = plan.reach
    return min(before, length), min(after, length)


def _neighbouring(plan: Plan) -> int:
    """Return how many carriers beside its own a frame is made of."""
    return 0 if plan.join == "drop" else 2


def _blank(clip: vs.VideoNode, descriptor: Descriptor, chunks: int) -> vs.VideoNode:
    scale = descriptor.traits.scale
    width, height = descriptor.output_size or (clip.width * scale, clip.height * scale)
    shape = {"width": width, "height": height * (descriptor.values or 1)}
    fmt = vs.GRAYS if descriptor.values else clip.format.id
    return uncached.BlankClip(clip, format=fmt, length=chunks, keep=True, **shape)


def _all_lanes(clip: vs.VideoNode, plan: Plan, companions: Mapping[str, Companion], chunks: int) -> list[vs.VideoNode]:
    """Return the lanes of the clip, then those of every clip of every companion."""
    all_around = _reach(plan, clip.num_frames)
    lanes = _lanes(clip, plan, all_around, chunks)
    for companion in companions.values():
        reach = all_around if companion.at == "frames" else (0, 0)
        lanes += [lane for part in companion.clips for lane in _lanes(part, plan, reach, chunks)]
    return lanes


def _lanes(clip: vs.VideoNode, plan: Plan, reach: tuple[int, int], chunks: int) -> list[vs.VideoNode]:
    """Return one clip per position of the run: frame k of lane j is the j-th frame of the run of chunk k."""
    before, after = reach
    chunk = _chunk(plan, clip.num_frames)
    last, behind = clip.num_frames - 1, chunks * chunk - clip.num_frames + after
    # One frame more than is ever asked for makes this a clip of its own, whose cache may be set.
    padded = uncached.DuplicateFrames(clip, [0] * before + [last] * (behind + 1))
    keep(padded, frames_in_flight(plan) if before + after else 0)
    starts = [uncached.Trim(padded, first=j) for j in range(before + chunk + after)]
    return [uncached.Trim(_every(start, chunk), length=chunks) for start in starts]


def _every(clip: vs.VideoNode, cycle: int, offset: int = 0) -> vs.VideoNode:
    return uncached.SelectEvery(clip, cycle, offset, modify_duration=False) if cycle > 1 else clip


def _neighbours(carriers: vs.VideoNode) -> list[vs.VideoNode]:
    """Return the carriers of the chunk before and of the one after; at the ends, those of the last chunk again."""
    earlier = uncached.Trim(uncached.DuplicateFrames(carriers, [0]), length=carriers.num_frames)
    later = uncached.Trim(uncached.DuplicateFrames(carriers, [carriers.num_frames - 1]), first=1)
    return [earlier, later]


def _maker(maker: ChunkMaker, length: int, turn: int) -> Callable[[int, Frames], vs.VideoFrame]:
    """Return the callback that makes the carriers of every chunk whose turn it is, from the frames of its run."""
    descriptor = maker.descriptor

    def make(n: int, f: Frames) -> vs.VideoFrame:
        carrier, blank = f[0].copy(), f[1]
        run = _run(maker, (TURNS * n + turn) * _chunk(descriptor.plan, length), length, f[2:])
        first, last = run.number(run.wanted.start), run.number(run.wanted[-1])
        frames = f"frames {first} to {last}" if last > first else f"frame {first}"
        try:
            pictures = maker.run(run, lambda text: warn(descriptor.name, f"{frames}: {text}"))
        except vs.Error:
            raise
        except Exception as error:
            _log_traceback(descriptor.name)
            message = _explained(maker, frames, error)
            # Without its cause: VapourSynth cuts long texts off, and a message that follows a traceback with them.
            raise vs.Error(message) from None
        carrier.props[CHUNK] = run.start
        for position, picture in pictures.items():
            carrier.props[_key(run.number(position))] = _written(blank, descriptor, picture)
        return carrier

    return make


def _run(maker: ChunkMaker, start: int, length: int, frames: Frames) -> Run:
    """Return the run around a chunk, given the frames of all lanes."""
    plan = maker.descriptor.plan
    chunk, (before, after) = _chunk(plan, length), _reach(plan, length)
    remaining = iter(frames)

    def taken(count: int) -> list[vs.VideoFrame]:
        return [next(remaining) for _ in range(count)]

    run = taken(before + chunk + after)
    beside = {}
    for name, companion in maker.companions.items():
        count = len(run) if companion.at == "frames" else chunk
        beside[name] = [taken(count) for _ in companion.clips]
    return Run(start, before, chunk, length, run, beside)


def _written(blank: vs.VideoFrame, descriptor: Descriptor, picture: np.ndarray) -> vs.VideoFrame:
    if descriptor.values is None:
        return write_planes(blank, picture)
    return write_planes(blank, picture.reshape(1, -1, picture.shape[-1]), limited=False)


def _taker(chunk: int, position: int, *, limited: bool) -> Callable[[int, object], vs.VideoFrame]:
    """Return the callback that takes a position's frame off its carrier, or the mean of what several hold of it."""

    def take(n: int, f: vs.VideoFrame | Frames) -> vs.VideoFrame:
        carriers = [f] if isinstance(f, vs.VideoFrame) else f
        # At the clip's ends the last carrier stands for its neighbour, too.
        chunks = {carrier.props[CHUNK]: carrier for carrier in carriers}
        key = _key(n * chunk + position)
        held = [cast("vs.VideoFrame", carrier.props[key]) for carrier in chunks.values() if key in carrier.props]
        if len(held) == 1:
            return held[0]
        mean = np.mean([plane_views(frame) for frame in held], axis=0)
        return write_planes(held[0], mean, limited=limited)

    return take


def _key(number: int) -> str:
    return f"vsrestore_frame{number}"


def _explained(maker: ChunkMaker, frames: str, error: Exception) -> str:
    """Return what a user can act on for whatever went wrong in the making of a chunk."""
    name = maker.descriptor.name
    if is_out_of_memory(error):
        return f"{name}: {frames}: out of memory{maker.memory_advice()}"
    return f"{name}: {frames}: {type(error).__name__}: {error}"


def _log_traceback(name: str) -> None:
    """Tell VapourSynth's log, at the level for debugging, where an error came from."""
    vs.core.log_message(vs.MESSAGE_TYPE_DEBUG, f"{name}: {traceback.format_exc()}")
