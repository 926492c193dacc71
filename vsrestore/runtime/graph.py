"""The chunk graph: a clip whose every frame is a function of the source clip and its number.

Chunk k always covers the same source frames, whatever was asked first. Three kinds of core nodes do the work: lanes
bring position j of every run, a ModifyFrame runs the network and hangs the finished frames on a small carrier frame,
and one ModifyFrame per position takes its frame off the carrier. Two of the former take turns, for each works on one
chunk at a time: one brings frames in and out while the network is busy for the other.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import vapoursynth as vs

from ..video.cache import keep
from ..video.errors import fail, warn
from ..video.frames import plane_views, write_planes
from ..video.props import starts_scene
from ..video.repeats import repeated
from .buffers import TURNS
from .descriptor import Descriptor
from .engine import Warn, empty_cache, out_of_memory
from .windows import Shot, shots

# Carriers kept: the one being read, those being made, and one behind for a seek.
CARRIERS_KEPT = 2 + TURNS


class ChunkMaker(Protocol):
    """What makes the frames of a chunk: an engine with its network, or a codec in its place."""

    descriptor: Descriptor

    def run(self, frames: Sequence[list[np.ndarray]], found: Sequence[Shot], warn: Warn) -> list[np.ndarray]:
        """Return the finished pictures of all wanted positions; arguments as for ``Engine.run``."""

    def memory_advice(self) -> str:
        """Return where memory ended and what to do, to follow the words "out of memory"."""


def chunk_graph(clip: vs.VideoNode, maker: ChunkMaker, beside: vs.VideoNode | None = None) -> vs.VideoNode:
    """Return the clip that ``maker`` makes of ``clip`` (RGBS or GRAYS), frame_factor times as long.

    ``beside`` is a clip of the same size, length and sample type whose planes the network sees as further channels.
    """
    weakref.finalize(maker, empty_cache)
    descriptor = maker.descriptor
    chunk, factor = descriptor.chunk, descriptor.frame_factor
    chunks = -(-clip.num_frames // chunk)
    blank = _blank(clip, descriptor, chunks)
    carrier = keep(vs.core.std.BlankClip(clip, width=16, height=16, format=vs.GRAY8, length=chunks, keep=True), 0)
    seen = [clip] if beside is None else [clip, beside]
    lanes = [lane for part in seen for lane in _lanes(part, descriptor, chunks)]
    turns = []
    for turn in range(min(TURNS, chunks)):
        first, *others = (keep(_every(part, TURNS, turn), 0) for part in (carrier, blank, *lanes))
        turns.append(first.std.ModifyFrame([first, *others], selector=_maker(maker, clip.num_frames, turn)))
    carriers = vs.core.std.Interleave(turns, modify_duration=False).std.Trim(length=chunks)
    keep(carriers, CARRIERS_KEPT)
    positions = [keep(blank.std.ModifyFrame(clips=[carriers], selector=_taker(j)), 0) for j in range(chunk * factor)]
    whole = keep(vs.core.std.Interleave(positions, modify_duration=False), 0)
    whole = keep(whole.std.Trim(first=0, length=clip.num_frames * factor), 0)
    if factor > 1 and clip.fps_num:
        whole = whole.std.AssumeFPS(fpsnum=clip.fps_num * factor, fpsden=clip.fps_den)
    return whole


def kept_for(*descriptors: Descriptor) -> int:
    """Return how many frames of a clip to keep for what follows: chunk graphs one after another, and what reads both.

    A frame is asked for again where the last graph's frame comes out, while all turns of all graphs are ahead of it.
    """
    return sum(_in_flight(descriptor) for descriptor in descriptors) + vs.core.num_threads


def _in_flight(descriptor: Descriptor) -> int:
    """Return how many neighbouring frames the graph asks for at once, all its turns together."""
    before, after = descriptor.reach
    return before + TURNS * descriptor.chunk + after


def _blank(clip: vs.VideoNode, descriptor: Descriptor, chunks: int) -> vs.VideoNode:
    width, height = descriptor.output_size or (clip.width * descriptor.scale, clip.height * descriptor.scale)
    return keep(vs.core.std.BlankClip(clip, width=width, height=height, length=chunks, keep=True), 0)


def _lanes(clip: vs.VideoNode, descriptor: Descriptor, chunks: int) -> list[vs.VideoNode]:
    """Return one clip per position of the run: frame k of lane j is the j-th frame of the run of chunk k."""
    before, after = descriptor.reach
    last, behind = clip.num_frames - 1, chunks * descriptor.chunk - clip.num_frames + after
    # One frame more than is ever asked for makes this a clip of its own, whose cache may be set.
    padded = clip.std.DuplicateFrames([0] * before + [last] * (behind + 1))
    keep(padded, _in_flight(descriptor) if before + after else 0)
    starts = [keep(padded.std.Trim(first=j), 0) for j in range(before + descriptor.chunk + after)]
    return [keep(_every(start, descriptor.chunk).std.Trim(length=chunks), 0) for start in starts]


def _every(clip: vs.VideoNode, cycle: int, offset: int = 0) -> vs.VideoNode:
    return clip.std.SelectEvery(cycle, offset, modify_duration=False) if cycle > 1 else clip


def _maker(maker: ChunkMaker, num_frames: int, turn: int) -> Callable[[int, Sequence[vs.VideoFrame]], vs.VideoFrame]:
    """Return the callback that makes the carriers of every chunk whose turn it is, from the frames of its run."""
    descriptor = maker.descriptor
    before, after = descriptor.reach
    length = before + descriptor.chunk + after

    def make(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        carrier, blank, run = f[0].copy(), f[1], f[2 : 2 + length]
        start = (TURNS * n + turn) * descriptor.chunk
        exists = [0 <= start - before + j < num_frames for j in range(len(run))]
        starts = [j > 0 and starts_scene(run[j - 1], run[j]) for j in range(len(run))]
        again = repeated(run, exists) if descriptor.skips_repeats else frozenset()
        found = shots(exists, starts, range(before, before + descriptor.chunk), again)
        last = min(start + descriptor.chunk, num_frames) - 1
        positions = [f[2 + j :: length] for j in range(length)]  # the clip's frame and what lies beside it
        planes = [[plane for frame in position for plane in plane_views(frame)] for position in positions]
        told = f"frames {start} to {last}" if last > start else f"frame {start}"
        try:
            finished = maker.run(planes, found, lambda text: warn(descriptor.name, f"{told}: {text}"))
        except Exception as error:
            _explain(maker, told, error)
        for position, picture in enumerate(finished):
            carrier.props[_key(position)] = write_planes(blank, picture)
        return carrier

    return make


def _taker(position: int) -> Callable[[int, vs.VideoFrame], vs.VideoFrame]:
    key = _key(position)

    def take(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        held = f.props[key]
        assert isinstance(held, vs.VideoFrame)
        return held

    return take


def _key(position: int) -> str:
    return f"vsrestore_frame{position}"


def _explain(maker: ChunkMaker, told: str, error: Exception) -> None:
    """Raise the ``vs.Error`` that a user can act on for whatever went wrong in the making of a chunk."""
    name = maker.descriptor.name
    if isinstance(error, vs.Error):
        raise error
    if out_of_memory(error):
        fail(name, f"{told}: out of memory{maker.memory_advice()}")
    raise vs.Error(f"{name}: {told}: {type(error).__name__}: {error}") from error
