"""The chunk graph: frame n is a function of the clip and n, whatever is asked when."""

from __future__ import annotations

import ctypes
import gc
import random
import sys
import weakref

import pytest
import torch
import vapoursynth as vs

from tests import clips
from tests.runtime import networks as nets
from vsrestore.runtime.apply import apply
from vsrestore.runtime.descriptor import Descriptor, Options

LINUX = sys.platform.startswith("linux")
LONG_CHUNKS = pytest.param(nets.RECURRENT.changed(chunk=30, before=10, after=10), nets.FirstOfSequence, id="long")
needs_mallinfo = pytest.mark.skipif(
    not LINUX or not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc 2.33 tells what is used"
)

CPU = Options(device="cpu", scene_changes=False)
EVERY_KIND = [
    pytest.param(nets.IMAGE.changed(chunk=3), nets.Identity, id="image"),
    pytest.param(nets.WINDOW, nets.WindowMean, id="window"),
    pytest.param(nets.WINDOW.changed(border="reflect_circle"), nets.WindowMean, id="window-circle"),
    pytest.param(nets.WINDOW.changed(border="reflect_circle", halves=True), nets.WindowMean, id="window-halves"),
    pytest.param(nets.WINDOW.changed(skips_repeats=True), nets.WindowMean, id="window-repeats"),
    pytest.param(nets.RECURRENT, nets.FirstOfSequence, id="recurrent"),
    pytest.param(nets.DOUBLING, nets.Between, id="doubling"),
]


class MallocInfo(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "top",
        )
    )


def bytes_in_use() -> int:
    """Return how much of the C library's heap is handed out."""
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = MallocInfo
    return int(library.mallinfo2().uordblks)


def run(clip: vs.VideoNode, descriptor: Descriptor, network: type[torch.nn.Module]) -> vs.VideoNode:
    return apply(clip, descriptor, network, CPU)


@pytest.mark.parametrize(("descriptor", "network"), EVERY_KIND)
@pytest.mark.parametrize("fmt", [vs.RGBS, vs.YUV420P8])
def test_any_order_gives_the_same_frames(descriptor: Descriptor, network: type[torch.nn.Module], fmt: int) -> None:
    source = clips.noise(fmt, length=23)

    def render(order: list[int], parallel: bool) -> dict[int, bytes]:
        clip = run(source, descriptor, network)
        if parallel:
            futures = {n: clip.get_frame_async(n) for n in order}
            return {n: clips.picture(future.result()) for n, future in futures.items()}
        return {n: clips.picture(clip.get_frame(n)) for n in order}

    count = 23 * descriptor.frame_factor
    linear = render(list(range(count)), parallel=False)
    shuffled = random.Random(1).sample(range(count), count)
    assert render(list(reversed(range(count))), parallel=False) == linear
    assert render(shuffled, parallel=False) == linear
    assert render(shuffled, parallel=True) == linear
    assert render([7, 7, 0, 7, 22, 0], parallel=False) == {n: linear[n] for n in (7, 0, 22)}


@pytest.mark.parametrize(("descriptor", "network"), EVERY_KIND)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6])
def test_short_clips_and_chunk_edges(descriptor: Descriptor, network: type[torch.nn.Module], length: int) -> None:
    chunk = descriptor.chunk
    for frames in {length, chunk - 1, chunk, chunk + 1} - {0}:
        clip = run(clips.noise(length=frames), descriptor, network)
        assert clip.num_frames == frames * descriptor.frame_factor
        rendered = list(clip.frames())
        assert len(rendered) == clip.num_frames


@pytest.mark.parametrize(("descriptor", "network"), EVERY_KIND)
@pytest.mark.parametrize("fmt", [vs.RGBS, vs.GRAY8, vs.YUV444P16])
def test_odd_sizes(descriptor: Descriptor, network: type[torch.nn.Module], fmt: int) -> None:
    clip = run(clips.noise(fmt, 37, 53, 4), descriptor.changed(multiple=8), network)
    assert (clip.width, clip.height, clip.format.id) == (37, 53, fmt)
    assert len(clips.picture(clip.get_frame(3))) > 0


@pytest.mark.parametrize("requests", [1, 8])
@pytest.mark.parametrize(
    ("descriptor", "network", "chunks"),
    [(nets.IMAGE.changed(chunk=3), nets.Identity, 14), (nets.WINDOW, nets.WindowMean, 10)],
)
def test_linear_decoding_computes_each_chunk_once(
    descriptor: Descriptor, network: type[torch.nn.Module], chunks: int, requests: int
) -> None:
    made = []

    def build() -> torch.nn.Module:
        made.append(network())
        return made[-1]

    clip = apply(clips.noise(length=40), descriptor, build, CPU)
    for _ in clip.frames(prefetch=requests, backlog=requests, close=True):
        pass
    assert len(made) == 1
    assert made[0].calls == chunks


@pytest.mark.parametrize("scene_changes", [False, True])
@pytest.mark.parametrize(("descriptor", "network"), [*EVERY_KIND, LONG_CHUNKS])
def test_linear_decoding_asks_for_each_source_frame_once(
    descriptor: Descriptor, network: type[torch.nn.Module], scene_changes: bool
) -> None:
    asked: list[int] = []
    blank = vs.core.std.BlankClip(format=vs.YUV420P8, width=16, height=16, length=200)

    def count(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    source = blank.std.ModifyFrame(blank, count)
    for _ in apply(source, descriptor, network, Options(device="cpu", scene_changes=scene_changes)).frames(close=True):
        pass
    assert sorted(asked) == list(range(200))


def test_window_network_repeats_at_the_ends() -> None:
    clip = run(clips.numbered(6), nets.WINDOW, nets.WindowMean)
    assert [clips.number(clip.get_frame(n)) for n in range(6)] == pytest.approx(
        [0.6, 1.2, 2.0, 3.0, 3.8, 4.4], abs=1e-3
    )


def test_nothing_crosses_a_cut_of_a_window_network() -> None:
    clip = run(clips.numbered(9, cuts=(5,)), nets.WINDOW, nets.WindowMean)
    assert clips.number(clip.get_frame(4)) == pytest.approx((2 + 3 + 4 + 4 + 4) / 5, abs=1e-3)
    assert clips.number(clip.get_frame(5)) == pytest.approx((5 + 5 + 5 + 6 + 7) / 5, abs=1e-3)


def test_nothing_crosses_a_cut_of_a_recurrent_network() -> None:
    clip = run(clips.numbered(15, cuts=(4, 7)), nets.RECURRENT, nets.FirstOfSequence)
    values = [clips.number(clip.get_frame(n)) for n in range(15)]
    firsts = [0, 0, 0, 0, 4, 4, 4, 7, 7, 7, 8, 8, 8, 8, 8]
    assert values == pytest.approx([(n + first) / 2 for n, first in enumerate(firsts)], abs=1e-3)


@pytest.mark.parametrize("flag", ["_SceneChangeNext", "_SceneChangePrev"])
def test_one_scene_property_is_enough(flag: str) -> None:
    other = {"_SceneChangeNext": "_SceneChangePrev", "_SceneChangePrev": "_SceneChangeNext"}[flag]
    source = clips.numbered(9, cuts=(5,)).std.RemoveFrameProps([other])
    clip = run(source, nets.WINDOW, nets.WindowMean)
    assert clips.number(clip.get_frame(5)) == pytest.approx((5 + 5 + 5 + 6 + 7) / 5, abs=1e-3)


def test_doubling_keeps_time_and_scene_flags() -> None:
    source = clips.numbered(4, cuts=(2,)).std.SetFrameProps(_PictType="P", _AbsoluteTime=1.5)
    clip = run(source, nets.DOUBLING, nets.Between)
    frames = [clip.get_frame(n) for n in range(8)]
    assert clip.fps == source.fps * 2
    assert [clips.number(frame) for frame in frames] == pytest.approx([0, 0.5, 1, 1, 2, 2.5, 3, 3], abs=1e-3)
    durations = [frame.props["_DurationNum"] / frame.props["_DurationDen"] for frame in frames]
    assert sum(durations) == pytest.approx(4 / 24)
    assert [frame.props["_SceneChangePrev"] for frame in frames] == [0, 0, 0, 0, 1, 0, 0, 0]
    assert [frame.props["_SceneChangeNext"] for frame in frames] == [0, 0, 0, 1, 0, 0, 0, 0]
    assert ["_PictType" in frame.props for frame in frames] == [True, False] * 4
    assert ["_AbsoluteTime" in frame.props for frame in frames] == [True, False] * 4


def test_super_resolution_keeps_the_format() -> None:
    clip = run(clips.noise(vs.YUV420P10, 32, 16), nets.IMAGE.changed(scale=2), nets.Enlarge)
    assert (clip.width, clip.height, clip.format.id, clip.num_frames) == (64, 32, vs.YUV420P10, 7)
    assert clip.get_frame(2).height == 32


def test_a_network_error_names_the_filter_and_the_frames() -> None:
    clip = run(clips.noise(length=9), nets.IMAGE.changed(chunk=4), nets.Failing)
    with pytest.raises(vs.Error, match="toy: frames 4 to 7: RuntimeError: no such thing"):
        clip.get_frame(5)
    with pytest.raises(vs.Error, match="toy: frame 8"):
        clip.get_frame(8)


def test_evaluating_builds_no_network_and_renders_no_frame() -> None:
    touched = []

    def spy(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        touched.append(n)
        return f

    blank = vs.core.std.BlankClip(format=vs.YUV420P8, width=32, height=32, length=50)
    source = blank.std.ModifyFrame(clips=blank, selector=spy)

    def build() -> torch.nn.Module:
        touched.append("network")
        return nets.WindowMean()

    clip = apply(source, nets.WINDOW, build, Options(device="cpu"))
    assert touched == []
    clip.get_frame(0)
    assert "network" in touched


@needs_mallinfo
def test_memory_in_use_does_not_grow_with_the_clip() -> None:
    """VapourSynth's own caches would note some five blocks of memory for every frame."""
    source = vs.core.std.BlankClip(format=vs.YUV420P8, width=16, height=16, length=2500, keep=True)
    used = []
    for n, _ in enumerate(apply(source, nets.WINDOW, nets.WindowMean, Options(device="cpu")).frames(close=True)):
        if n in (500, source.num_frames - 1):
            gc.collect()
            used.append(bytes_in_use())
    before, after = used
    assert after - before < 400 * 1024


def test_networks_are_freed_with_their_clip() -> None:
    alive = []

    def build() -> torch.nn.Module:
        network = nets.Identity()
        alive.append(weakref.ref(network))
        return network

    for _ in range(10):
        clip = apply(clips.noise(length=3), nets.IMAGE, build, CPU)
        clip.get_frame(1)
        del clip
        vs.core.clear_cache()
        gc.collect()
    assert len(alive) == 10
    assert [reference() for reference in alive] == [None] * 10


def test_broken_half_precision_is_computed_again(log: list[str]) -> None:
    source = clips.noise(length=2)
    clip = apply(source, nets.IMAGE, nets.HalfBreaks, Options(device="cpu", precision="float16"))
    assert clips.picture(clip.get_frame(1)) == clips.picture(source.get_frame(1))
    assert "toy: frame 1: float16 gave NaN or infinity; computed again in float32" in log


def test_a_network_that_keeps_is_told_what_is_wanted() -> None:
    source = clips.numbered(13, cuts=(7,))
    dropped = run(source, nets.RECURRENT, nets.FirstOfSequence)
    kept = run(source, nets.RECURRENT.changed(keeps=True), nets.KeepsWanted)
    assert [clips.picture(f) for f in kept.frames()] == [clips.picture(f) for f in dropped.frames()]
