"""The ProPainter filter: what the official tool gives, whatever is asked when, and nothing computed in vain."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import seeded
from tests.filters.propainter_protocol import StandIns, official
from tests.golden import records
from vsrestore.filters.inpainting import Holes, Inpainting, Learnt, Networks, Span
from vsrestore.runtime.apply import prepare
from vsrestore.runtime.descriptor import Options
from vsrestore.video.dilation import dilated
from vsrestore.video.masks import mask_clip

SIZE = 16
OPTIONS = Options(device="cpu")
SMALL = {"neighbor_length": 4, "ref_stride": 3, "references": 4, "subvideo_length": 12}


def as_masks(masks: np.ndarray) -> vs.VideoNode:
    """A GRAY8 clip, white where masks (T, H, W) are not 0."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.asarray(frame[0])[:] = (masks[n] > 0) * 255
        return frame

    length, height, width = masks.shape
    blank = vs.core.std.BlankClip(format=vs.GRAY8, width=width, height=height, length=length)
    return blank.std.ModifyFrame(clips=blank, selector=paint)


def as_rgb24(frames: np.ndarray, cuts: tuple[int, ...] = ()) -> vs.VideoNode:
    """An RGB24 clip of frames (T, H, W, 3) uint8."""
    floats = frames.transpose(0, 3, 1, 2) / np.float32(255)
    return seeded.as_clip(floats, cuts).resize.Point(format=vs.RGB24)


def frames_of(clip: vs.VideoNode, order: list[int] | None = None) -> np.ndarray:
    """All frames of an RGB24 clip, (T, H, W, 3)."""
    return seeded.as_frames(clip, order).transpose(0, 2, 3, 1)


def moving(length: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A pattern that moves slowly, and a hole in most frames that moves otherwise; (T, 16, 16, 3) and (T, 16, 16)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    colours = np.arange(3)
    frames = [
        128 + 80 * np.sin((x[..., None] + 0.3 * n + colours) / 3) * np.cos(y[..., None] / 4) for n in range(length)
    ]
    noise = rng.uniform(-8, 8, (length, SIZE, SIZE, 3))
    masks = np.zeros((length, SIZE, SIZE), np.uint8)
    for n in range(length):
        left = n // 2 % 10
        masks[n, 5:10, left : left + 5] = n % 11 != 7
    return (np.array(frames) + noise).astype(np.uint8), masks


def stages(
    source: vs.VideoNode, holes: vs.VideoNode, networks: object, span: Span | None = None, options: Options = OPTIONS
) -> tuple[Inpainting, vs.VideoNode]:
    """The stages of a clip of a size that networks take, and what comes of them."""
    plans = (span or Span(**SMALL)).plans(source)
    prepared = prepare(source, Learnt(networks, plans).descriptors("toy"), options)
    mask = mask_clip("toy", source, holes)
    built = Inpainting("toy", prepared.planes("rgb"), Holes(mask, mask), networks, plans, options)
    return built, prepared.finished(built.painted)


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (12, {}),  # as long as a chunk: references from everywhere
        (13, {}),  # one more: all rules are those of a long clip, but the flow has one chunk
        (31, {}),
        (40, {"subvideo_length": 15, "ref_stride": 4, "references": 2}),
        (9, {"neighbor_length": 10}),
        (3, {"subvideo_length": 2, "references": 0}),
    ],
)
def test_it_is_the_official_result(length: int, told: dict[str, int]) -> None:
    span = Span(**{**SMALL, **told})
    frames, masks = moving(length)
    result = stages(as_rgb24(frames), as_masks(masks), StandIns(), span)[1]
    expected = official(
        frames,
        masks,
        neighbours=span.neighbor_length,
        stride=span.ref_stride,
        references=span.references,
        sub=span.subvideo_length,
    )
    np.testing.assert_array_equal(frames_of(result), expected)


def test_any_order_gives_the_same_frames() -> None:
    frames, masks = moving(40)
    source, holes = as_rgb24(frames, cuts=(17, 19)), as_masks(masks)
    linear = frames_of(stages(source, holes, StandIns())[1])
    order = random.Random(1).sample(range(40), 40)
    np.testing.assert_array_equal(frames_of(stages(source, holes, StandIns())[1], order), linear)
    shuffled = stages(source, holes, StandIns())[1]
    futures = {n: shuffled.get_frame_async(n) for n in order}
    for n, future in futures.items():
        np.testing.assert_array_equal(np.stack(clips.samples(future.result()), -1), linear[n])


def test_a_cut_is_never_crossed() -> None:
    frames, masks = moving(40)
    other = frames.copy()
    other[17:] = moving(40, seed=5)[0][17:]
    one, another = (frames_of(stages(as_rgb24(x, (17,)), as_masks(masks), StandIns())[1]) for x in (frames, other))
    np.testing.assert_array_equal(one[:17], another[:17])
    assert (one[17:] != another[17:]).any((1, 2, 3)).all()
    uncut = frames_of(stages(as_rgb24(frames), as_masks(masks), StandIns())[1])
    assert (uncut[:17] != one[:17]).any()


@pytest.mark.parametrize("requests", [1, 8])
def test_linear_decoding_computes_nothing_twice(requests: int) -> None:
    frames, masks = moving(40)
    networks = StandIns()
    result = stages(as_rgb24(frames), as_masks(masks), networks)[1]
    for _ in result.frames(prefetch=requests, backlog=requests, close=True):
        pass
    assert {name: sorted(calls) for name, calls in networks.calls().items()} == {
        "flow": [8] * 5,
        "completion": [4, 12, 12, 12],
        "propagation": [4, 12, 12, 12],
        "features": [1] * 40,
        "painting": [3, 4, *[5] * 18],
    }


@pytest.mark.parametrize(("subvideo_length", "ref_stride", "neighbor_length"), [(20, 10, 10), (6, 5, 6), (30, 7, 10)])
def test_sub_videos_shorter_than_the_reach_of_windows_cost_no_more(
    subvideo_length: int, ref_stride: int, neighbor_length: int
) -> None:
    frames, masks = moving(90)
    span = Span(neighbor_length=neighbor_length, ref_stride=ref_stride, references=8, subvideo_length=subvideo_length)
    networks = StandIns()
    for _ in stages(as_rgb24(frames), as_masks(masks), networks, span)[1].frames(close=True):
        pass
    chunks = {"flow": 8, "completion": subvideo_length, "propagation": subvideo_length, "features": 1}
    calls = {name: len(made) for name, made in networks.calls().items()}
    assert calls == {name: -(-90 // chunk) for name, chunk in {**chunks, "painting": span.step}.items()}


def test_what_has_no_hole_costs_nothing() -> None:
    frames, masks = moving(60)
    empty = np.zeros_like(masks)
    networks = StandIns()
    result = stages(as_rgb24(frames), as_masks(empty), networks)[1]
    np.testing.assert_array_equal(frames_of(result), frames)
    assert networks.made == {}
    empty[30] = masks[30]
    result = stages(as_rgb24(frames), as_masks(empty), networks)[1]
    np.testing.assert_array_equal(np.delete(frames_of(result), 30, 0), np.delete(frames, 30, 0))
    calls = networks.calls()
    assert (calls["completion"], calls["propagation"], calls["painting"]) == ([12], [12], [5, 5, 5])
    assert sum(calls["flow"]) == 32  # frames 16 to 47 in eights, for the chunk from 24 to 35 with 5 flows on both sides
    assert 13 <= len(calls["features"]) <= 20


def test_nothing_far_away_is_asked_for() -> None:
    asked: list[int] = []
    blank = vs.core.std.BlankClip(format=vs.RGB24, width=SIZE, height=SIZE, length=5000, color=[90, 120, 60])

    def note(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    source = blank.std.ModifyFrame(blank, note)
    holes = mask_clip("toy", source, (4, 4, 5, 5))
    stages(source, holes, StandIns(), options=Options(device="cpu", scene_changes=False))[1].get_frame(2501)
    # 2496 is the chunk's first frame: a chunk before it, its flows' eights, and no less far on.
    assert min(asked) > 2501 - 60
    assert max(asked) < 2501 + 60


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"mask": 3}, "propainter: mask is int; accepted: a gray clip"),
        ({"mask": (60, 0, 10, 10)}, "does not lie in a clip of 64x48"),
        ({"mask_dilation": -1}, "mask_dilation=-1; a whole number of at least 0 is accepted"),
        ({"ref_stride": 0}, "ref_stride=0; a whole number of at least 1 is accepted"),
        ({"subvideo_length": 0}, "subvideo_length=0; a whole number of at least 1 is accepted"),
        ({"model": "nothing.pth"}, "nothing.pth"),
        ({"flow_iterations": 0}, "flow_iterations=0; a whole number of at least 1 is accepted"),
        ({"device": "cuda:77"}, "propainter: "),
    ],
)
def test_bad_input_is_refused(told: dict[str, object], message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.propainter(clips.noise(vs.YUV420P8, 64, 48, 2), **{"mask": (4, 4, 8, 8), **told})


def test_holes_are_grown_and_nothing_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Networks, "recognised", lambda *_: StandIns())
    source = clips.noise(vs.RGB24, 64, 48, 2)
    result = vsrestore.propainter(source, (20, 10, 6, 4), mask_dilation=3, device="cpu")
    before, after = (np.stack(clips.samples(clip.get_frame(0))) for clip in (source, result))
    y, x = np.mgrid[:48, :64]
    steps = np.maximum(np.maximum(20 - x, x - 25), 0) + np.maximum(np.maximum(10 - y, y - 13), 0)
    changed = (before != after).any(0)
    assert not changed[steps > 3].any()
    assert changed[steps <= 3].mean() > 0.9


def test_holes_are_filled_without_weights() -> None:
    """Along the motion: better by far than a hole filled with the mean of what surrounds it."""
    rng = np.random.default_rng(3)
    scene = np.kron(rng.uniform(20, 230, (12, 24, 3)), np.ones((8, 8, 1)))
    scene = (scene + np.roll(scene, 3, (0, 1)) + np.roll(scene, 5, (0, 1))) / 3
    frames = np.stack([scene[:64, 4 * n : 4 * n + 96] for n in range(8)]).astype(np.uint8)
    result = vsrestore.propainter(as_rgb24(frames), (40, 24, 10, 14), model="flow", mask_dilation=0, device="cpu")
    found, hole = frames_of(result).astype(float), np.zeros((64, 96), bool)
    hole[24:38, 40:50] = True
    np.testing.assert_array_equal(found[:, ~hole], frames[:, ~hole])
    mean = frames[:, ~hole].mean((0, 1))
    error = np.abs(found - frames)[:, hole].mean()
    assert error < 0.4 * np.abs(mean - frames[:, hole]).mean()


def published(folder: Path, record: str) -> dict[str, Path]:
    """The checkpoints of a record as they are published, by the filter's argument."""
    meta, keys = records.layout(record)
    arguments = {"raft": "flow_model", "flow_completion": "completion_model", "generator": "model"}
    paths = {}
    for net, argument in arguments.items():
        own = {name: spec for name, spec in keys.items() if spec["net"] == net}
        if own:
            paths[argument] = folder / f"{net}.pth"
            torch.save(records.state_dict(own, meta["gain"]), paths[argument])
    return paths


def assert_official(result: np.ndarray, expected: np.ndarray) -> None:
    """By the rule for 8 bits: off by less than 0.05 on average, by more than 1 in at most 0.5 % of the samples."""
    apart = np.abs(result.astype(int) - expected)
    assert apart.mean() < 0.05
    assert (apart > 1).mean() <= 0.005


@pytest.mark.slow
def test_the_published_networks_give_the_published_clip(tmp_path: Path) -> None:
    record = records.read("propainter-e2e")
    mask = as_masks(record.inputs["in_masks"])
    told = {"flow_iterations": record.config["raft_iter"], "device": "cpu", **published(tmp_path, record.name)}
    result = vsrestore.propainter(as_rgb24(record.inputs["in_frames"]), mask, **told)
    assert_official(frames_of(result), record.outputs["out_frames"].numpy())


@pytest.mark.slow
def test_the_published_networks_give_the_published_long_clip(tmp_path: Path) -> None:
    record = records.read("propainter-e2e-subvideo")
    frames, config = record.inputs["in_frames"], record.config
    span = Span(
        neighbor_length=config["neighbor_length"],
        ref_stride=config["ref_stride"],
        references=config["subvideo_length"] // config["ref_stride"],
        subvideo_length=config["subvideo_length"],
    )
    paths = published(tmp_path, record.name)
    raft = records.layout("propainter-raft")[1]
    torch.save(records.state_dict(raft, 1.0), tmp_path / "raft.pth")
    networks = Networks.recognised("toy", tmp_path / "raft.pth", paths["completion_model"], paths["model"], 1)
    source = as_rgb24(frames)
    plans = span.plans(source)
    prepared = prepare(source, Learnt(networks, plans).descriptors("toy"), OPTIONS)
    holes = dilated(mask_clip("toy", source, as_masks(record.inputs["in_masks"])), config["mask_dilation"])
    built = Inpainting("toy", prepared.planes("rgb"), Holes(holes, holes), networks, plans, OPTIONS)
    both = np.concatenate([record.inputs[f"in_flow_{way}"] for way in ("forward", "backward")], 1)
    vars(built)["flow"] = values(np.concatenate([both, np.zeros_like(both[:1])]))
    assert_official(frames_of(prepared.finished(built.painted)), record.outputs["out_frames"].numpy())


def values(planes: np.ndarray) -> vs.VideoNode:
    """A GRAYS clip of values (T, C, H, W), the channels below each other."""
    stacked = planes.reshape(len(planes), -1, planes.shape[-1])

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.asarray(frame[0])[:] = stacked[n]
        return frame

    length, height, width = stacked.shape
    blank = vs.core.std.BlankClip(format=vs.GRAYS, width=width, height=height, length=length)
    return blank.std.ModifyFrame(clips=blank, selector=paint)
