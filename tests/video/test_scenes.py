"""Scene changes on painted clips whose cuts are known."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import numpy as np
import pytest
import vapoursynth as vs

from vsrestore.cache_folder import SHARED_MEASURES
from vsrestore.video import first_pass as passes
from vsrestore.video import scenes as module
from vsrestore.video.scenes import scenes

WIDTH, HEIGHT = 96, 64


def picture(shot: int) -> np.ndarray:
    """Return a smooth random picture in [0, 1] that belongs to one shot."""
    coarse = np.random.default_rng(shot).random((4, 6))
    return np.kron(coarse, np.ones((HEIGHT // 4, WIDTH // 6)))


def painted(pictures: list[np.ndarray], fmt: int = vs.GRAY8, size: tuple[int, int] = (WIDTH, HEIGHT)) -> vs.VideoNode:
    """Return a clip of these pictures, converted and resized."""
    base = vs.core.std.BlankClip(width=WIDTH, height=HEIGHT, format=vs.GRAYS, length=len(pictures), keep=True)

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), pictures[n])
        return frame

    clip = base.std.ModifyFrame(clips=base, selector=paint)
    matrix = vs.MATRIX_BT709 if vs.core.get_video_format(fmt).color_family == vs.YUV else None
    return clip.resize.Bilinear(*size, format=fmt, matrix=matrix)


def shots(*lengths: int) -> list[np.ndarray]:
    """Return the pictures of shots of these lengths; each shot drifts a little from frame to frame."""
    return [np.roll(picture(shot), frame, axis=1) for shot, length in enumerate(lengths) for frame in range(length)]


def marks(clip: vs.VideoNode, order: list[int] | None = None) -> tuple[list[int], list[int]]:
    """Return the frames marked Prev and the frames marked Next, asked for in the given order."""
    props = {n: clip.get_frame(n).props for n in order or range(clip.num_frames)}
    assert all(type(props[n][key]) is int for n in props for key in ("_SceneChangePrev", "_SceneChangeNext"))
    return tuple(sorted(n for n in props if props[n][key]) for key in ("_SceneChangePrev", "_SceneChangeNext"))


def both_sides(*cuts: int) -> tuple[list[int], list[int]]:
    return list(cuts), [cut - 1 for cut in cuts]


def with_props(clip: vs.VideoNode, props: dict[int, dict[str, int]]) -> vs.VideoNode:
    def attach(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props.update(props.get(n, {}))
        return frame

    return clip.std.ModifyFrame(clips=clip, selector=attach)


@pytest.mark.parametrize("lengths", [(6, 7, 5), (5, 1, 6), (5, 1, 1, 1, 4), (4, 2, 3, 2, 4), (1, 5, 1)])
def test_cuts_between_shots_of_any_length(lengths):
    cuts = np.cumsum(lengths)[:-1].tolist()
    assert marks(scenes(painted(shots(*lengths)))) == both_sides(*cuts)


@pytest.mark.parametrize(
    ("lengths", "cuts"), [((1,), ()), ((2,), ()), ((1, 1), (1,)), ((3,), ()), ((1, 2), (1,)), ((2, 1), (2,))]
)
def test_shortest_clips(lengths, cuts):
    assert marks(scenes(painted(shots(*lengths)))) == both_sides(*cuts)


def test_any_order_gives_the_same_marks():
    clip = scenes(painted(shots(5, 1, 4, 2, 6)))
    linear = marks(clip)
    order = list(range(clip.num_frames)) * 2
    random.Random(1).shuffle(order)
    vs.core.clear_cache()
    assert linear == both_sides(5, 6, 10, 12)
    assert marks(scenes(painted(shots(5, 1, 4, 2, 6))), order) == linear
    assert marks(clip, list(reversed(range(clip.num_frames)))) == linear


@pytest.mark.parametrize("white", [1.0, 0.7])
def test_one_flash_frame_is_no_cut(white):
    pictures = shots(6, 7)
    pictures[9] = pictures[9] * (1 - white) + white
    assert marks(scenes(painted(pictures))) == both_sides(6)


def test_flicker_and_fading_are_no_cuts():
    gains = np.random.default_rng(0).uniform(0.5, 1, 12)
    assert marks(scenes(painted([p * g for p, g in zip(shots(12), gains, strict=True)]))) == ([], [])
    fading = np.linspace(1, 0.1, 12)
    assert marks(scenes(painted([p * g for p, g in zip(shots(12), fading, strict=True)]))) == ([], [])


def test_cut_between_dark_shots_and_none_in_noise():
    noise = np.random.default_rng(0).normal(0, 0.01, (14, HEIGHT, WIDTH))
    assert marks(scenes(painted(list(np.stack(shots(6, 8)) * 0.08 + noise)))) == both_sides(6)
    assert marks(scenes(painted(list(noise + 0.05)))) == ([], [])


def test_fast_motion_is_no_cut():
    wide = np.kron(np.random.default_rng(3).random((4, 60)), np.ones((HEIGHT // 4, WIDTH // 6)))
    pan = [wide[:, step : step + WIDTH] for step in range(0, 400, 6)]
    assert marks(scenes(painted(pan))) == ([], [])


@pytest.mark.parametrize(
    "fmt",
    [
        *(vs.GRAY8, vs.GRAY16, vs.GRAYH, vs.GRAYS),
        *(vs.YUV420P8, vs.YUV422P10, vs.YUV411P8, vs.YUV444PS),
        *(vs.RGB24, vs.RGB48, vs.RGBH, vs.RGBS),
    ],
)
def test_every_format_comes_back_with_its_cuts(fmt):
    clip = scenes(painted(shots(4, 3), fmt))
    assert clip.format.id == fmt
    assert marks(clip) == both_sides(4)


@pytest.mark.parametrize("size", [(37, 53), (1, 1), (7, 5), (641, 11)])
def test_odd_sizes(size):
    clip = scenes(painted(shots(4, 3), size=size))
    assert (clip.width, clip.height, clip.num_frames) == (*size, 7)
    if min(size) > 1:
        assert marks(clip) == both_sides(4)


def test_misleading_colour_properties_do_no_harm():
    clip = painted(shots(4, 3), vs.YUV420P8, (96, 46))
    odd = clip.std.SetFrameProps(_Matrix=0, _Transfer=2, _Primaries=99, _FieldBased=2, _Range=1)
    assert marks(scenes(odd)) == both_sides(4)


def test_frames_are_untouched_and_keep_their_props():
    clip = painted(shots(3, 3)).std.SetFrameProps(_Combed=1, vsrestore_test="kept")
    for n, (before, after) in enumerate(zip(clip.frames(), scenes(clip).frames(), strict=True)):
        assert np.array_equal(np.asarray(before[0]), np.asarray(after[0]))
        assert set(after.props) - set(before.props) == {"_SceneChangePrev", "_SceneChangeNext"}
        assert (n, after.props["vsrestore_test"], after.props["_Combed"]) == (n, "kept", 1)


def test_existing_props_are_left_as_they_are():
    clip = painted(shots(5, 5))
    uncut = clip.std.SetFrameProps(_SceneChangePrev=0, _SceneChangeNext=0)
    assert marks(scenes(uncut)) == ([], [])
    one_sided = scenes(clip.std.SetFrameProps(_SceneChangePrev=1))
    assert all(dict(f.props)["_SceneChangePrev"] == 1 and "_SceneChangeNext" not in f.props for f in one_sided.frames())


def test_a_neighbour_without_props_agrees_with_those_there_are():
    clip = scenes(with_props(painted(shots(8)), {3: {"_SceneChangePrev": 1}, 5: {"_SceneChangeNext": 1}}))
    props = [dict(f.props) for f in clip.frames()]
    assert props[2]["_SceneChangeNext"] == 1
    assert props[6]["_SceneChangePrev"] == 1
    assert "_SceneChangeNext" not in props[3]
    assert "_SceneChangePrev" not in props[5]
    denied = with_props(painted(shots(4, 4)), {4: {"_SceneChangePrev": 0}})
    assert scenes(denied).get_frame(3).props["_SceneChangeNext"] == 0


def test_threshold_decides():
    pictures = painted(shots(4, 4))
    assert marks(scenes(pictures, threshold=2)) == ([], [])
    assert marks(scenes(pictures, threshold=0.3)) == both_sides(4)


def test_no_frame_is_asked_for_while_the_script_is_evaluated():
    asked = []

    def note(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    clip = painted(shots(4, 4))
    scenes(clip.std.ModifyFrame(clips=clip, selector=note))
    assert asked == []


def test_machines_that_share_a_job_share_its_cuts(tmp_path, monkeypatch):
    """Those that find others, too; properties that are there count as ever. Elsewhere nothing is shared."""

    def marked(shared: bool = True) -> list[dict[str, object]]:
        monkeypatch.setattr(passes, "_places", itertools.count())  # as a script begins in a process of its own
        known = {3: {"_SceneChangePrev": 1}, 9: {"_SceneChangeNext": 0}}
        clip = scenes(with_props(painted(shots(6, 4, 5)), known), shared=shared)
        return [dict(clip.get_frame(n).props) for n in reversed(range(clip.num_frames))]

    alone = marked()
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv(SHARED_MEASURES, str(tmp_path))
    assert marked() == alone
    monkeypatch.setattr(module, "_difference", lambda pictures: 1.0)
    assert marked(shared=False) != alone
    assert marked() == alone
    assert len(list(tmp_path.iterdir())) == 1


def variable_format() -> vs.VideoNode:
    gray, rgb = vs.core.std.BlankClip(format=vs.GRAY8), vs.core.std.BlankClip(format=vs.RGB24)
    return vs.core.std.Splice([gray, rgb], mismatch=True)


def variable_size() -> vs.VideoNode:
    small, large = (vs.core.std.BlankClip(format=vs.GRAY8, width=width) for width in (64, 128))
    return vs.core.std.Splice([small, large], mismatch=True)


@pytest.mark.parametrize(("make", "said"), [(variable_format, "variable format"), (variable_size, "variable size")])
def test_unfit_clips_are_refused_at_once(make: Callable[[], vs.VideoNode], said: str):
    with pytest.raises(vs.Error, match=f"scenes: .*{said}"):
        scenes(make())


@pytest.mark.parametrize("threshold", [-0.1, 2.5, "much", float("nan")])
def test_unfit_threshold_is_refused_at_once(threshold):
    with pytest.raises(vs.Error, match="scenes: threshold"):
        scenes(painted(shots(3)), threshold=threshold)
