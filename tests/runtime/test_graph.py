"""The chunk graph: frame n is a function of the clip and n, whatever is asked when."""

from __future__ import annotations

import ctypes
import gc
import math
import random
import sys
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
import vapoursynth as vs

from tests import clips
from tests.runtime import networks as nets
from tests.runtime.kinds import CPU, KINDS, Kind
from vsrestore.runtime import graph
from vsrestore.runtime.apply import Stage, apply, apply_stages
from vsrestore.runtime.call import Companion
from vsrestore.runtime.descriptor import Options
from vsrestore.runtime.plans.references import StridedReferences
from vsrestore.runtime.plans.sequence import Sequence
from vsrestore.runtime.plans.single import Single
from vsrestore.video.cache import uncached

LINUX = sys.platform.startswith("linux")
PAUSE_S = 0.003
"""What a call takes at least, as if it computed something: a thread that waits for a core is not overtaken."""
needs_mallinfo = pytest.mark.skipif(
    not LINUX or not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc 2.33 tells what is used"
)

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


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


def with_cut(clip: vs.VideoNode, cut: int) -> vs.VideoNode:
    """The clip with a cut before one frame."""

    def mark(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props["_SceneChangePrev"] = int(n == cut)
        return frame

    return clip.std.ModifyFrame(clips=clip, selector=mark)


@every_kind
@pytest.mark.parametrize("fmt", [vs.RGBS, vs.YUV420P8])
def test_any_order_gives_the_same_frames(kind: Kind, fmt: int) -> None:
    source = with_cut(clips.noise(fmt, length=23), 9)

    def render(order: list[int], parallel: bool) -> dict[int, bytes]:
        clip = kind.restored(source)
        if parallel:
            futures = {n: clip.get_frame_async(n) for n in order}
            return {n: clips.picture(future.result()) for n, future in futures.items()}
        return {n: clips.picture(clip.get_frame(n)) for n in order}

    count = kind.restored(source).num_frames
    assert count == math.ceil(23 * kind.rate)
    linear = render(list(range(count)), parallel=False)
    shuffled = random.Random(1).sample(range(count), count)
    assert render(list(reversed(range(count))), parallel=False) == linear
    assert render(shuffled, parallel=False) == linear
    assert render(shuffled, parallel=True) == linear
    late = min(22, count - 1)
    assert render([7, 7, 0, 7, late, 0], parallel=False) == {n: linear[n] for n in (7, 0, late)}


@every_kind
def test_short_clips_and_chunk_edges(kind: Kind) -> None:
    chunk = kind.plan.chunk
    for frames in {1, 2, chunk - 1, chunk, chunk + 1} - {0}:
        clip = kind.restored(clips.noise(length=frames))
        assert clip.num_frames == math.ceil(frames * kind.rate)
        assert len(list(clip.frames())) == clip.num_frames


@every_kind
@pytest.mark.parametrize("cut", [1, 2, 5])
def test_short_shots(kind: Kind, cut: int) -> None:
    source = with_cut(clips.noise(length=6), cut)
    clip = kind.restored(source)
    assert len(list(clip.frames())) == clip.num_frames


@every_kind
@pytest.mark.parametrize("fmt", [vs.RGBS, vs.GRAY8, vs.YUV444P16])
def test_odd_sizes(kind: Kind, fmt: int) -> None:
    clip = kind.restored(clips.noise(fmt, 37, 53, 4))
    assert (clip.width, clip.height, clip.format.id) == (37, 53, fmt)
    assert len(clips.picture(clip.get_frame(clip.num_frames - 1))) > 0


@pytest.mark.parametrize("requests", [1, 8])
@every_kind
def test_linear_decoding_computes_each_chunk_once(kind: Kind, requests: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nets.Counting, "pause_s", PAUSE_S)
    made: list[nets.Counting] = []
    clip = kind.restored(clips.noise(length=40), build=kind.counted(made))
    for _ in clip.frames(prefetch=requests, backlog=requests, close=True):
        pass
    assert [network.calls for network in made] == [kind.calls]


@pytest.mark.parametrize("scene_changes", [False, True])
@every_kind
def test_linear_decoding_asks_for_each_source_frame_once(
    kind: Kind, scene_changes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nets.Counting, "pause_s", PAUSE_S)
    asked: list[int] = []
    blank = vs.core.std.BlankClip(format=vs.YUV420P8, width=16, height=16, length=200)

    def count(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    source = blank.std.ModifyFrame(blank, count)
    for _ in kind.restored(source, Options(device="cpu", scene_changes=scene_changes)).frames(close=True):
        pass
    again = len(asked) - 200
    assert set(asked) == set(range(200))
    assert again <= 3  # references from afar, and what a busy machine's threads ask for long after their neighbours


@every_kind
def test_errors_surface_and_name_the_filter(kind: Kind) -> None:
    clip = kind.restored(clips.noise(length=9), build=nets.Failing)
    with pytest.raises(vs.Error, match=r"toy: frame.*no such thing"):
        for _ in clip.frames():
            pass


def test_window_network_repeats_at_the_ends() -> None:
    clip = nets.run(clips.numbered(6), nets.WINDOW, nets.WindowMean)
    assert [clips.number(clip.get_frame(n)) for n in range(6)] == pytest.approx(
        [0.6, 1.2, 2.0, 3.0, 3.8, 4.4], abs=1e-3
    )


def test_black_frames_stand_beyond_the_ends_and_cuts() -> None:
    clip = KINDS["window, black"].restored(clips.numbered(9, cuts=(5,)))
    values = [clips.number(clip.get_frame(n)) for n in range(9)]
    expected = [3 / 5, 6 / 5, 10 / 5, 10 / 4, 9 / 4, 18 / 5, 26 / 5, 26 / 4, 21 / 4]
    assert values == pytest.approx(expected, abs=1e-3)


def test_a_chunk_longer_than_the_clip_costs_no_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes: list[str] = []

    class Counted:
        def __getattr__(self, name: str) -> Callable[..., vs.VideoNode]:
            nodes.append(name)
            return getattr(uncached, name)

    monkeypatch.setattr(graph, "uncached", Counted())
    counts = []
    for chunk in (4, 1024):
        clip = nets.run(
            clips.numbered(4), nets.IMAGE.changed(plan=Sequence(chunk=chunk, overlap=chunk)), nets.FirstOfSequence
        )
        assert [clips.number(clip.get_frame(n)) for n in range(4)] == [0, 0.5, 1, 1.5]
        counts.append(len(nodes))
        nodes.clear()
    assert counts[0] == counts[1]


def test_nothing_crosses_a_cut_of_a_window_network() -> None:
    clip = nets.run(clips.numbered(9, cuts=(5,)), nets.WINDOW, nets.WindowMean)
    assert clips.number(clip.get_frame(4)) == pytest.approx((2 + 3 + 4 + 4 + 4) / 5, abs=1e-3)
    assert clips.number(clip.get_frame(5)) == pytest.approx((5 + 5 + 5 + 6 + 7) / 5, abs=1e-3)


def test_nothing_crosses_a_cut_of_a_recurrent_network() -> None:
    clip = nets.run(clips.numbered(15, cuts=(4, 7)), nets.RECURRENT, nets.FirstOfSequence)
    values = [clips.number(clip.get_frame(n)) for n in range(15)]
    firsts = [0, 0, 0, 0, 4, 4, 4, 7, 7, 7, 8, 8, 8, 8, 8]
    assert values == pytest.approx([(n + first) / 2 for n, first in enumerate(firsts)], abs=1e-3)


@pytest.mark.parametrize("flag", ["_SceneChangeNext", "_SceneChangePrev"])
def test_one_scene_property_is_enough(flag: str) -> None:
    other = {"_SceneChangeNext": "_SceneChangePrev", "_SceneChangePrev": "_SceneChangeNext"}[flag]
    source = clips.numbered(9, cuts=(5,)).std.RemoveFrameProps([other])
    clip = nets.run(source, nets.WINDOW, nets.WindowMean)
    assert clips.number(clip.get_frame(5)) == pytest.approx((5 + 5 + 5 + 6 + 7) / 5, abs=1e-3)


def test_doubling_keeps_time_and_scene_flags() -> None:
    source = clips.numbered(4, cuts=(2,)).std.SetFrameProps(_PictType="P", _AbsoluteTime=1.5)
    clip = KINDS["pair"].restored(source)
    frames = [clip.get_frame(n) for n in range(8)]
    assert clip.fps == source.fps * 2
    # The frame between 1 and 2 would lie across the cut: the nearer one is repeated, of equally near ones the later.
    assert [clips.number(frame) for frame in frames] == pytest.approx([0, 0.5, 1, 2, 2, 2.5, 3, 3], abs=1e-3)
    durations = [frame.props["_DurationNum"] / frame.props["_DurationDen"] for frame in frames]
    assert sum(durations) == pytest.approx(4 / 24)
    assert ["_PictType" in frame.props for frame in frames] == [True, False] * 4
    assert ["_AbsoluteTime" in frame.props for frame in frames] == [True, False] * 4


def test_any_rate_lies_where_its_time_is() -> None:
    clip = KINDS["pair, 5/2"].restored(clips.numbered(5))
    values = [clips.number(clip.get_frame(n)) for n in range(clip.num_frames)]
    assert values == pytest.approx([0, 0.4, 0.8, 1.2, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4, 4, 4], abs=1e-3)
    assert clip.fps == clips.numbered(5).fps * 5 / 2


def test_windows_see_references_of_their_shot_and_are_halved() -> None:
    clip = KINDS["strided references"].restored(clips.numbered(24, cuts=(17,)))
    # Frame 10 lies in the windows around 9 and 12: in 6 to 12 with 1, 5 and 13, and in 9 to 15 with 4, 8 and 16.
    windows = (10 + 6 + 12 + 1 + 5 + 13) / 6, (10 + 9 + 15 + 4 + 8 + 16) / 6
    assert clips.number(clip.get_frame(10)) == pytest.approx(sum(windows) / 2, abs=1e-3)
    # Frame 15 lies in those around 12, 15 and 18, but the last one is of another shot; 15 sees 12 to 16, 7 and 11.
    windows = (15 + 9 + 15 + 4 + 8 + 16) / 6, (15 + 12 + 16 + 7 + 11) / 5
    assert clips.number(clip.get_frame(15)) == pytest.approx(sum(windows) / 2, abs=1e-3)
    # The shot begins at 17, and so do its references.
    assert clips.number(clip.get_frame(17)) == pytest.approx((17 + 17 + 21 + 0) / 3, abs=1e-3)


def test_references_may_lie_on_a_grid_of_the_whole_clip() -> None:
    clip = KINDS["strided references, all"].restored(clips.numbered(24, cuts=(20,)))
    # The window around 9 sees 6 to 12 and of the grid 0, 4 and 16; that around 12 sees 9 to 15 and 0, 4, 8 and 16.
    windows = (10 + 6 + 12 + 0 + 4 + 16) / 6, (10 + 9 + 15 + 0 + 4 + 8 + 16) / 7
    assert clips.number(clip.get_frame(10)) == pytest.approx(sum(windows) / 2, abs=1e-3)


def test_what_is_halved_is_cut_down_to_codes() -> None:
    plan = StridedReferences(levels=255)
    codes = [np.array([[[code]]]) / np.float32(255) for code in (10, 13, 20)]
    assert np.rint(plan.joined(codes) * 255) == 15  # by way of 11, not 11.5
    assert np.allclose(StridedReferences().joined(codes) * 255, ((10 + 13) / 2 + 20) / 2)


def test_references_come_from_anywhere() -> None:
    clip = KINDS["chosen references"].restored(clips.numbered(24, cuts=(12,)))
    assert clips.number(clip.get_frame(22)) == pytest.approx((22 + 1 + 2) / 3, abs=1e-3)


def test_what_several_chunks_give_is_averaged() -> None:
    clip = KINDS["sequence, averaged"].restored(clips.numbered(12))
    # Sequences start at 0 (chunk 0 to 3), 1 (4 to 7) and 5 (8 to 11), and reach three frames beyond their chunk.
    starts = {2: [0, 1], 5: [0, 1, 5], 8: [1, 5], 11: [5]}
    for number, firsts in starts.items():
        expected = sum((number + first) / 2 for first in firsts) / len(firsts)
        assert clips.number(clip.get_frame(number)) == pytest.approx(expected, abs=1e-3)


def test_sequences_have_a_least_length_and_a_multiple() -> None:
    lengths: list[int] = []

    class Noting(nets.FirstOfSequence):
        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            lengths.append(frames.shape[1])
            return super().forward(frames)

    for length in (1, 2, 3, 5, 7):
        list(KINDS["sequence, even"].restored(clips.noise(length=length), build=Noting).frames())
    assert {length % 2 for length in lengths} == {0}
    assert min(lengths) == 4


def test_a_mirrored_sequence_has_its_overlap_everywhere() -> None:
    lengths: list[int] = []

    class Noting(nets.FirstOfSequence):
        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            lengths.append(frames.shape[1])
            return super().forward(frames)

    clip = KINDS["sequence, mirrored"].restored(clips.numbered(8), build=Noting)
    assert clips.number(clip.get_frame(0)) == pytest.approx((0 + 2) / 2, abs=1e-3)
    list(clip.frames())
    assert set(lengths) == {8}


def test_values_pass_from_stage_to_stage_unlimited() -> None:
    source = clips.numbered(12)
    clip = KINDS["values"].restored(source)
    assert clips.number(clip.get_frame(4)) == pytest.approx(5, abs=1e-3)


def test_stages_see_the_planes_they_ask_for() -> None:
    seen: list[tuple[int, ...]] = []

    class Noting(nets.Identity):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(images.shape[1:]))
            return images

    luma = Stage(descriptor=nets.with_traits(nets.BATCH, channels="luma"), build=Noting)
    rgb = Stage(descriptor=nets.BATCH, build=Noting)
    for stages, channels in (([rgb, luma], [3, 1]), ([luma, rgb], [1, 3])):
        source = clips.noise(vs.YUV420P8, length=1)
        result = apply_stages(source, stages, CPU).get_frame(0)
        assert [shape[0] for shape in seen] == channels
        assert clips.picture(result) == clips.picture(source.get_frame(0))
        seen.clear()


def test_colours_come_in_the_order_of_the_network_and_masks_stay_themselves() -> None:
    class Order(nets.Counting):
        def forward(self, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            assert float(images[0, 0].mean()) == pytest.approx(0.75)  # blue
            assert float(mask.mean()) == 0.5
            return images

    source = vs.core.std.BlankClip(format=vs.RGBS, color=[0.25, 0.5, 0.75], width=16, height=16, length=2)
    white = vs.core.std.BlankClip(source, format=vs.GRAYS, color=0.5)
    descriptor = nets.with_traits(nets.IMAGE, channels="bgr")
    stage = Stage(descriptor=descriptor, build=Order, companions={"mask": Companion([white])})
    assert clips.picture(apply(source, stage, CPU).get_frame(1)) == clips.picture(source.get_frame(1))


def test_parts_have_a_precision_and_a_place_each() -> None:
    made: list[nets.Counting] = []
    clip = KINDS["parts"].restored(clips.numbered(4), build=KINDS["parts"].counted(made))
    assert clips.number(clip.get_frame(3)) == pytest.approx(3, rel=0.01)
    parts = made[0].parts
    assert (parts["encoder"].weight.dtype, parts["decoder"].weight.dtype) == (torch.bfloat16, torch.float32)


def test_super_resolution_keeps_the_format() -> None:
    clip = nets.run(clips.noise(vs.YUV420P10, 32, 16), nets.with_traits(nets.IMAGE, scale=2), nets.Enlarge)
    assert (clip.width, clip.height, clip.format.id, clip.num_frames) == (64, 32, vs.YUV420P10, 7)
    assert clip.get_frame(2).height == 32


def test_a_network_error_names_the_filter_and_the_frames() -> None:
    clip = nets.run(clips.noise(length=9), nets.IMAGE.changed(plan=Single(chunk=4)), nets.Failing)
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

    clip = apply(source, Stage(descriptor=nets.WINDOW, build=build), Options(device="cpu"))
    assert touched == []
    clip.get_frame(0)
    assert "network" in touched


@pytest.mark.slow
@needs_mallinfo
@pytest.mark.parametrize("name", ["single", "window", "sequence", "pair", "strided references", "values"])
def test_memory_in_use_does_not_grow_with_the_clip(name: str) -> None:
    """VapourSynth's own caches would note some five blocks of memory for every frame."""
    source = vs.core.std.BlankClip(format=vs.YUV420P8, width=16, height=16, length=1200, keep=True)
    used = []
    for n, _ in enumerate(KINDS[name].restored(source, Options(device="cpu")).frames(close=True)):
        if n in (400, source.num_frames - 1):
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
        clip = nets.run(clips.noise(length=3), nets.IMAGE, build)
        clip.get_frame(1)
        del clip
        vs.core.clear_cache()
        gc.collect()
    assert len(alive) == 10
    assert [reference() for reference in alive] == [None] * 10


def test_broken_half_precision_is_computed_again(log: list[str]) -> None:
    source = clips.noise(length=2)
    options = Options(device="cpu", precision="float16")
    clip = apply(source, Stage(descriptor=nets.IMAGE, build=nets.HalfBreaks), options)
    assert clips.picture(clip.get_frame(1)) == clips.picture(source.get_frame(1))
    assert "toy: frame 1: float16 gave NaN or infinity; computed again in float32" in log


@pytest.mark.parametrize("native", [True, False])
def test_a_precision_that_the_device_only_imitates_is_warned_of_once(
    log: list[str], monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: native)
    options = Options(device="cpu", precision="bfloat16")
    clip = apply(clips.noise(length=8), Stage(descriptor=nets.IMAGE, build=lambda: nets.Scale(0.5)), options)
    for _ in clip.frames(close=True):
        pass
    assert len([line for line in log if line.startswith("toy: precision='bfloat16' is slow here")]) == (not native)


def test_a_network_that_keeps_is_told_what_is_wanted() -> None:
    source = clips.numbered(13, cuts=(7,))
    dropped, kept = (KINDS[name].restored(source) for name in ("sequence", "sequence, kept"))
    assert [clips.picture(f) for f in kept.frames()] == [clips.picture(f) for f in dropped.frames()]
