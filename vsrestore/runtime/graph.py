"""The chunk graph: a clip whose every frame is a function of the source clip and its number.

Chunk k always covers the same source frames, whatever was asked first. Three kinds of core nodes do the work: lanes
bring position j of every run, a ModifyFrame runs the network and hangs the finished frames on a small carrier frame,
and one ModifyFrame per position takes its frame off the carrier. Two of the former take turns, for each works on one
chunk at a time: one brings frames in and out while the network is busy for the other.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, Self, cast

import vapoursynth as vs

from ..devices.out_of_memory import is_out_of_memory, unloadable
from ..devices.pick import TURNS, turns
from ..video.cache import keep, uncached
from ..video.errors import warn
from ..video.frames import picture_of, write_planes
from .call import Companion
from .descriptor import Descriptor
from .engine import Pictures, Warn
from .plans.plan import Plan
from .run import Run

# Carriers kept besides those being made: the one being read, and one behind for a seek.
CARRIERS_KEPT = 2

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


@dataclass(frozen=True)
class Grid:
    """How a clip falls into chunks, and how far around each a run reaches: no further than the clip is long."""

    chunk: int
    before: int
    after: int
    length: int
    """Frames of the clip."""

    @classmethod
    def of(cls, plan: Plan, length: int) -> Self:
        """Return the grid of a plan on a clip of ``length`` frames."""
        before, after = plan.reach
        return cls(min(plan.chunk, length), min(before, length), min(after, length), length)

    @property
    def chunks(self) -> int:
        """How many there are; the last may be short."""
        return -(-self.length // self.chunk)

    def chunks_of(self, frames: int) -> int:
        """Return how many chunks so many neighbouring frames lie in at most."""
        return 1 + -(-(frames - 1) // self.chunk)


def chunk_graph(clip: vs.VideoNode, maker: ChunkMaker, turns: int = TURNS, asked: int | None = None) -> vs.VideoNode:
    """Return the clip that ``maker`` makes of ``clip`` (RGBS or GRAYS), one frame for each.

    Args:
        clip: what networks see.
        maker: of its chunks.
        turns: chunks that are made at once.
        asked: neighbouring frames of the result that are asked for again before those who take it move on; None where
            each is asked for once, in order.

    """
    plan = maker.descriptor.plan
    grid = Grid.of(plan, clip.num_frames)
    blank = _blank(clip, maker.descriptor, grid.chunks)
    carrier = uncached.BlankClip(clip, width=16, height=16, format=vs.GRAY8, length=grid.chunks, keep=True)
    turns = min(turns, grid.chunks)
    lanes = _all_lanes(clip, plan, grid, maker.companions, turns)
    makers = []
    for turn in range(turns):
        first, *others = (_every(part, turns, turn) for part in (carrier, blank, *lanes))
        makers.append(
            uncached.ModifyFrame(first, [first, *others], _maker(maker, grid, range(turn, grid.chunks, turns)))
        )
    carriers = uncached.Trim(uncached.Interleave(makers, modify_duration=False), length=grid.chunks)
    keep(carriers, grid.chunks_of(asked) if asked else CARRIERS_KEPT + turns + _neighbouring(plan))
    around = [carriers, *_neighbours(carriers)] if _neighbouring(plan) else [carriers]
    limited = maker.descriptor.values is None
    positions = [
        uncached.ModifyFrame(blank, around, _taker(plan, grid.chunk, position, limited=limited))
        for position in range(grid.chunk)
    ]
    whole = uncached.Interleave(positions, modify_duration=False)
    return uncached.Trim(whole, first=0, length=clip.num_frames)


def frames_in_flight(plan: Plan, device: str | None) -> int:
    """Return how many neighbouring frames the graph for a device asks for at once, all its turns together."""
    return _in_flight(plan, turns(device))


def _in_flight(plan: Plan, turns: int) -> int:
    before, after = plan.span
    return before + (turns + _neighbouring(plan)) * plan.chunk + after


def _neighbouring(plan: Plan) -> int:
    """Return how many carriers beside its own a frame is made of."""
    return 2 if plan.joins else 0


def _blank(clip: vs.VideoNode, descriptor: Descriptor, chunks: int) -> vs.VideoNode:
    scale = descriptor.traits.scale
    width, height = descriptor.output_size or (clip.width * scale, clip.height * scale)
    shape = {"width": width, "height": height * (descriptor.values or 1)}
    fmt = vs.GRAYS if descriptor.values else clip.format.id
    return uncached.BlankClip(clip, format=fmt, length=chunks, keep=True, **shape)


def _all_lanes(
    clip: vs.VideoNode, plan: Plan, grid: Grid, companions: Mapping[str, Companion], turns: int
) -> list[vs.VideoNode]:
    """Return the lanes of the clip, then those of every clip of every companion."""
    kept = _in_flight(plan, turns)
    lanes = _lanes(clip, grid, kept)
    for companion in companions.values():
        beside = grid if companion.at == "frames" else replace(grid, before=0, after=0)
        lanes += [lane for part in companion.clips for lane in _lanes(part, beside, kept)]
    return lanes


def _lanes(clip: vs.VideoNode, grid: Grid, kept: int) -> list[vs.VideoNode]:
    """Return one clip per position of the run: frame k of lane j is the j-th frame of the run of chunk k."""
    last, behind = grid.length - 1, grid.chunks * grid.chunk - grid.length + grid.after
    # One frame more than is ever asked for makes this a clip of its own, whose cache may be set.
    padded = uncached.DuplicateFrames(clip, [0] * grid.before + [last] * (behind + 1))
    keep(padded, kept if grid.before + grid.after else 0)
    starts = [uncached.Trim(padded, first=j) for j in range(grid.before + grid.chunk + grid.after)]
    return [uncached.Trim(_every(start, grid.chunk), length=grid.chunks) for start in starts]


def _every(clip: vs.VideoNode, cycle: int, offset: int = 0) -> vs.VideoNode:
    return uncached.SelectEvery(clip, cycle, offset, modify_duration=False) if cycle > 1 else clip


def _neighbours(carriers: vs.VideoNode) -> list[vs.VideoNode]:
    """Return the carriers of the chunk before and of the one after; at the ends, those of the last chunk again."""
    earlier = uncached.Trim(uncached.DuplicateFrames(carriers, [0]), length=carriers.num_frames)
    later = uncached.Trim(uncached.DuplicateFrames(carriers, [carriers.num_frames - 1]), first=1)
    return [earlier, later]


def _maker(maker: ChunkMaker, grid: Grid, chunks: range) -> Callable[[int, Frames], vs.VideoFrame]:
    """Return the callback that makes the carriers of every chunk whose turn it is, from the frames of its run."""
    descriptor = maker.descriptor

    def make(n: int, f: Frames) -> vs.VideoFrame:
        carrier, blank = f[0].copy(), f[1]
        run = _run(maker.companions, grid, chunks[n] * grid.chunk, f[2:])
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
            # Values of all channels stand below each other in one plane.
            planes = picture.reshape(blank.format.num_planes, -1, picture.shape[-1])
            frame = write_planes(blank, planes, limited=descriptor.values is None)
            carrier.props[_key(run.number(position))] = frame
        return carrier

    return make


def _run(companions: Mapping[str, Companion], grid: Grid, start: int, frames: Frames) -> Run:
    """Return the run around a chunk that begins at ``start``, from the frames of all lanes."""
    lanes = iter(frames)
    run = list(islice(lanes, grid.before + grid.chunk + grid.after))
    beside = {}
    for name, companion in companions.items():
        count = len(run) if companion.at == "frames" else grid.chunk
        beside[name] = [list(islice(lanes, count)) for _ in companion.clips]
    return Run(start, grid.before, grid.chunk, grid.length, run, beside)


def _taker(plan: Plan, chunk: int, position: int, *, limited: bool) -> Callable[[int, object], vs.VideoFrame]:
    """Return the callback that takes a position's frame off its carrier, or joins what several hold of it."""

    def take(n: int, f: vs.VideoFrame | Frames) -> vs.VideoFrame:
        carriers = [f] if isinstance(f, vs.VideoFrame) else f
        # At the clip's ends the last carrier stands for its neighbour, too.
        chunks = {carrier.props[CHUNK]: carrier for carrier in carriers}
        key = _key(n * chunk + position)
        ordered = (chunks[start] for start in sorted(chunks))
        held = [cast("vs.VideoFrame", carrier.props[key]) for carrier in ordered if key in carrier.props]
        if len(held) == 1:
            return held[0]
        joined = plan.joined([picture_of(frame) for frame in held])
        return write_planes(held[0], joined, limited=limited)

    return take


def _key(number: int) -> str:
    return f"vsrestore_frame{number}"


def _explained(maker: ChunkMaker, frames: str, error: Exception) -> str:
    """Return what a user can act on for whatever went wrong in the making of a chunk."""
    name = maker.descriptor.name
    if (cause := unloadable(error)) is not None:
        return f"{name}: {frames}: {cause}"
    if is_out_of_memory(error):
        return f"{name}: {frames}: out of memory{maker.memory_advice()}"
    return f"{name}: {frames}: {type(error).__name__}: {error}"


def _log_traceback(name: str) -> None:
    """Tell VapourSynth's log, at the level for debugging, where an error came from."""
    vs.core.log_message(vs.MESSAGE_TYPE_DEBUG, f"{name}: {traceback.format_exc()}")
