from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
import vapoursynth as vs

from tests.clips import samples
from vsrestore import deinterlace
from vsrestore.video.between import RATE

WIDTH, HEIGHT, FRAMES = 48, 32, 6
TOP, BOTTOM = 2, 1


def moving(order: int = TOP, fmt: int = vs.GRAY8, **props: int) -> vs.VideoNode:
    """A bar that moves by two pixels a field, woven from fields in the given order."""
    blank = vs.core.std.BlankClip(
        format=fmt, width=WIDTH, height=HEIGHT, length=FRAMES, fpsnum=30000, fpsden=1001, keep=True
    )

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        plane = np.asarray(frame[0])
        for line in range(HEIGHT):
            late = (line % 2) == (order == TOP)
            plane[line] = bar(2 * n + late)
        frame.props.update(
            {"_FieldBased": order, "_DurationNum": 1001, "_DurationDen": 30000, "_AbsoluteTime": n / 29.97, **props}
        )
        return frame

    return blank.std.ModifyFrame(clips=blank, selector=paint)


def bar(time: int) -> np.ndarray:
    return np.where((np.arange(WIDTH) >= 4 + 2 * time) & (np.arange(WIDTH) < 16 + 2 * time), 200, 40)


def place(frame: vs.VideoFrame) -> float:
    """Where the bar begins, on average over the inner lines."""
    return float((np.asarray(frame[0])[4:-4] > 120).argmax(1).mean())


@pytest.mark.parametrize("order", [TOP, BOTTOM])
def test_every_field_becomes_a_frame_in_the_order_of_time(order, log):
    made = deinterlace(moving(order))
    assert (made.num_frames, made.fps) == (2 * FRAMES, 2 * moving().fps)
    assert [place(made.get_frame(n)) for n in range(2, 8)] == pytest.approx([4 + 2 * n for n in range(2, 8)], abs=0.5)
    told = "top field first" if order == TOP else "bottom field first"
    assert f"deinterlace: {told} (as flagged)" in log


def test_times_go_with_the_frames():
    made = deinterlace(moving())
    props = [dict(made.get_frame(n).props) for n in (4, 5)]
    assert [p["_FieldBased"] for p in props] == [0, 0]
    assert [p["_DurationNum"] / p["_DurationDen"] for p in props] == pytest.approx([1001 / 60000] * 2)
    assert ["_AbsoluteTime" in p for p in props] == [True, False]


def test_the_command_can_tell_how_many_frames_come_of_each():
    for rate, given in (("double", 2), ("single", 1)):
        frame = deinterlace(moving(), rate=rate).get_frame(1)
        assert Fraction(*(frame.props.get(name, 1) for name in RATE)) == given


def test_a_cut_lies_between_the_frames_of_its_two_sides():
    cut = moving(_SceneChangePrev=1, _SceneChangeNext=1)
    props = [dict(deinterlace(cut).get_frame(n).props) for n in (4, 5)]
    assert [(p["_SceneChangePrev"], p["_SceneChangeNext"]) for p in props] == [(1, 0), (0, 1)]


def test_single_rate_keeps_the_first_field():
    made = deinterlace(moving(), rate="single")
    assert (made.num_frames, made.fps) == (FRAMES, moving().fps)
    assert [place(made.get_frame(n)) for n in range(2, 4)] == pytest.approx([4 + 4 * n for n in range(2, 4)], abs=0.5)


def test_an_order_that_is_given_wins_over_flags(log):
    clip = moving(TOP, _FieldBased=BOTTOM)
    right, wrong = deinterlace(clip, field_order="top"), deinterlace(clip)
    places = [[place(made.get_frame(n)) for n in range(2, 8)] for made in (right, wrong)]
    assert places[0] == sorted(places[0])
    assert places[1] != sorted(places[1])
    assert "deinterlace: top field first (as given)" in log


def test_half_floats_are_deinterlaced_as_others():
    half = moving().std.SetFieldBased(0).resize.Point(format=vs.GRAYH).std.SetFieldBased(TOP)
    made = deinterlace(half)
    assert made.format.id == vs.GRAYH
    same = deinterlace(moving()).resize.Point(format=vs.GRAYH)
    for n in (3, 4):
        assert np.abs(samples(made.get_frame(n))[0] - samples(same.get_frame(n))[0]).max() < 0.005


def test_frames_do_not_depend_on_what_was_asked_before():
    made, again = deinterlace(moving()), deinterlace(moving())
    first = [samples(made.get_frame(n)) for n in range(12)]
    for n in (7, 2, 11, 0):
        assert all((a == b).all() for a, b in zip(samples(again.get_frame(n)), first[n], strict=True))


@pytest.mark.parametrize(
    ("clip", "arguments", "message"),
    [
        (moving(_FieldBased=0), {}, "the first frame is not flagged as interlaced; .* field_order='top' or 'bottom'"),
        (moving(), {"rate": 2}, "rate=2; accepted: 'double', 'single'"),
        (moving(), {"field_order": "up"}, "field_order='up'; accepted: 'flags', 'top', 'bottom'"),
    ],
)
def test_what_does_not_fit_is_told(clip, arguments, message):
    with pytest.raises(vs.Error, match=re.compile(f"deinterlace: .*{message}")):
        deinterlace(clip, **arguments)
