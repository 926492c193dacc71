"""Frames between frames: where they lie, how long they last, and that those of the clip stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from tests.runtime import networks as nets
from tests.runtime.kinds import CPU
from tests.video.test_repeats import TRANSFERRED, in_order
from vsrestore.runtime.apply import Stage, apply_between
from vsrestore.runtime.descriptor import Descriptor
from vsrestore.runtime.plans.pair import Pair
from vsrestore.video.between import RATE, Place, place

UNEVEN = [Fraction(1, 30), Fraction(2, 30), Fraction(1, 30), Fraction(4, 30), Fraction(1, 30)]


def blended(clip: vs.VideoNode, rate: Fraction, *, skips_repeats: bool = False, chunk: int = 1) -> vs.VideoNode:
    """The clip at another rate, frames between its own blended."""
    stage = Stage(descriptor=Descriptor(name="toy", plan=Pair(chunk=chunk)), build=nets.Between)
    return apply_between(clip, stage, CPU, rate, skips_repeats=skips_repeats)


def lasting(clip: vs.VideoNode, durations: Sequence[Fraction | None]) -> vs.VideoNode:
    """The clip with durations, each frame with the time at which it begins."""

    def put(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame, duration = f.copy(), durations[n]
        frame.props["_AbsoluteTime"] = float(sum(known or 0 for known in durations[:n]))
        for name in ("_DurationNum", "_DurationDen"):
            frame.props.pop(name, None)
        if duration:
            frame.props["_DurationNum"], frame.props["_DurationDen"] = duration.as_integer_ratio()
        return frame

    return clip.std.ModifyFrame(clips=clip, selector=put)


def duration(frame: vs.VideoFrame) -> Fraction:
    return Fraction(frame.props["_DurationNum"], frame.props["_DurationDen"])


def durations(clip: vs.VideoNode) -> list[Fraction]:
    return [duration(frame) for frame in clip.frames()]


def numbers(clip: vs.VideoNode) -> list[float]:
    return [clips.number(frame) for frame in clip.frames()]


@pytest.mark.parametrize(
    ("position", "starts", "repeated", "expected"),
    [
        ("2", (), (), Place(2, 2)),
        ("2.25", (), (), Place(2, 3, Fraction(1, 4))),
        ("9", (), (), Place(9, 9)),
        ("9.5", (), (), Place(9, 9)),
        ("2.25", (3,), (), Place(2, 2)),
        ("2.5", (3,), (), Place(3, 3)),
        ("2.5", (2, 4), (), Place(2, 3, Fraction(1, 2))),
        ("3", (), (3,), Place(2, 4, Fraction(1, 2))),
        ("2.5", (), (3,), Place(2, 4, Fraction(1, 4))),
        ("3.5", (), (3,), Place(2, 4, Fraction(3, 4))),
        ("3.5", (), (3, 5), Place(2, 4, Fraction(3, 4))),
        ("4.5", (), (3, 5), Place(4, 6, Fraction(1, 4))),
        ("3", (4,), (3,), Place(3, 3)),
        ("3", (3,), (3,), Place(3, 3)),
        ("9", (), (9,), Place(9, 9)),
        ("8.5", (), (9,), Place(8, 9, Fraction(1, 2))),
    ],
)
def test_places(position: str, starts: tuple[int, ...], repeated: tuple[int, ...], expected: Place) -> None:
    found = place(Fraction(position), 10, starts.__contains__, repeated.__contains__)
    assert found == expected


@pytest.mark.parametrize("rate", [Fraction(2), Fraction(12, 5), Fraction(1001, 400), Fraction(5, 6), Fraction(3, 8)])
def test_any_rate_lies_where_its_time_is(rate: Fraction) -> None:
    source = clips.numbered(9)
    clip = blended(source, rate)
    assert clip.fps == source.fps * rate
    positions = [n / rate for n in range(clip.num_frames)]
    assert positions[-1] < 9 <= clip.num_frames / rate
    assert numbers(clip) == pytest.approx([float(min(position, 8)) for position in positions], abs=2e-3)
    assert sum(durations(clip)) == Fraction(9, 24)
    assert set(durations(clip)[:-1]) == {1 / (24 * rate)}


@pytest.mark.parametrize(
    ("fmt", "low"), [(vs.YUV420P8, 0), (vs.YUV422P10, 0), (vs.RGB24, 0), (vs.GRAY16, 0), (vs.RGBS, -0.5), (vs.RGBH, 0)]
)
def test_frames_of_the_clip_stay_bit_for_bit(fmt: int, low: float) -> None:
    """Also those beyond black and white, and the nearer ones at a cut."""
    source = clips.noise(fmt, length=6).std.SetFrameProps(_SceneChangePrev=0)
    if low:
        source = source.std.Expr(f"x 2 * {low} +")
    source = source[:3] + source[3].std.SetFrameProps(_SceneChangePrev=1) + source[4:]
    for rate, shown in ((Fraction(2), {0: 0, 2: 1, 4: 2, 5: 3, 6: 3, 8: 4}), (Fraction(5, 3), {0: 0, 4: 2, 5: 3})):
        clip = blended(source, rate)
        for n, number in shown.items():
            assert clips.picture(clip.get_frame(n)) == clips.picture(source.get_frame(number))
        assert clips.picture(clip.get_frame(1)) != clips.picture(source.get_frame(0))


def test_uneven_times_are_kept() -> None:
    source = lasting(clips.numbered(5), UNEVEN)
    doubled = list(blended(source, Fraction(2)).frames())
    assert [duration(frame) for frame in doubled] == [half / 2 for half in UNEVEN for _ in range(2)]
    assert [frame.props.get("_AbsoluteTime") for frame in doubled[::2]] == [
        frame.props["_AbsoluteTime"] for frame in source.frames()
    ]
    assert not any("_AbsoluteTime" in frame.props for frame in doubled[1::2])


@pytest.mark.parametrize("rate", [Fraction(5, 2), Fraction(4, 3), Fraction(3, 5)])
def test_uneven_times_at_a_rate_that_is_not_whole(rate: Fraction) -> None:
    """Frames that span two of the source last a part of each, and begin where their picture belongs."""
    clip = blended(lasting(clips.numbered(5), UNEVEN), rate)
    found, starts = durations(clip), [sum(UNEVEN[:n], Fraction(0)) for n in range(6)]
    for n in range(clip.num_frames):
        whole, part = divmod(n / rate, 1)
        assert sum(found[:n], Fraction(0)) == starts[whole] + part * (starts[whole + 1] - starts[whole])
    assert sum(found) == starts[-1]


def test_a_frame_without_a_duration_lasts_as_long_as_the_one_before() -> None:
    clip = blended(lasting(clips.numbered(3), [Fraction(1, 10), Fraction(1, 5), None]), Fraction(3, 2))
    assert [duration(frame) for frame in list(clip.frames())[:4]] == [
        *(Fraction(2, 30), Fraction(1, 30) + Fraction(1, 15), Fraction(2, 15), Fraction(2, 15))
    ]
    bare = blended(lasting(clips.numbered(3), [None] * 3), Fraction(2))
    assert not any("_DurationNum" in frame.props for frame in bare.frames())


def test_scenes_begin_where_their_first_picture_is_shown() -> None:
    source = clips.numbered(6, cuts=(2, 4))
    clip = blended(source, Fraction(2))
    assert numbers(clip) == pytest.approx([0, 0.5, 1, 2, 2, 2.5, 3, 4, 4, 4.5, 5, 5], abs=2e-3)
    assert [n for n, frame in enumerate(clip.frames()) if frame.props["_SceneChangePrev"]] == [3, 7]
    assert [n for n, frame in enumerate(clip.frames()) if frame.props["_SceneChangeNext"]] == [2, 6]
    fewer = blended(source, Fraction(2, 3))
    assert numbers(fewer) == pytest.approx([0, 2, 3, 4.5], abs=2e-3)
    assert [frame.props["_SceneChangePrev"] for frame in fewer.frames()] == [0, 1, 0, 1]


def test_what_belongs_to_one_coded_frame_stays_on_it() -> None:
    source = clips.numbered(4, cuts=(2,)).std.SetFrameProps(_PictType="P", Own=3)
    frames = list(blended(source, Fraction(2)).frames())
    assert ["_PictType" in frame.props for frame in frames] == [True, False] * 4
    assert {frame.props["Own"] for frame in frames} == {3}


def test_repeated_frames_are_made_anew() -> None:
    """The wanted frames are the ones before and after, whatever lies between; nothing else changes."""
    source = in_order(clips.noise(width=32, height=32), TRANSFERRED)
    clip = blended(source, Fraction(1), skips_repeats=True)
    assert clip.fps == source.fps
    for n, number in enumerate(TRANSFERRED):
        if n not in (3, 6):
            assert clips.picture(clip.get_frame(n)) == clips.picture(source.get_frame(n)), number
    halfway = (np.stack(clips.samples(source.get_frame(2))) + np.stack(clips.samples(source.get_frame(4)))) / 2
    assert np.allclose(np.stack(clips.samples(clip.get_frame(3))), halfway, atol=1e-6)
    assert [duration(frame) for frame in clip.frames()] == durations(source)
    told = clip.get_frame(3).props
    assert not [name for name in told if name.startswith(("_vsrestore", "vsrestore")) and name not in RATE]


def test_repeated_frames_at_twice_the_rate() -> None:
    source = in_order(clips.noise(width=32, height=32), TRANSFERRED)
    clip = blended(source, Fraction(2), skips_repeats=True)
    before, after = (np.stack(clips.samples(source.get_frame(n))) for n in (2, 4))
    for n, time in ((5, 0.25), (6, 0.5), (7, 0.75)):
        made = np.stack(clips.samples(clip.get_frame(n)))
        assert np.allclose(made, before + time * (after - before), atol=1e-6)


def test_the_rate_since_the_source_is_told() -> None:
    clip = blended(blended(clips.numbered(5), Fraction(2)), Fraction(6, 5))
    assert {tuple(frame.props[name] for name in RATE) for frame in clip.frames()} == {(12, 5)}


def test_only_frames_between_others_are_computed() -> None:
    made = []

    def build() -> nets.Between:
        made.append(nets.Between())
        return made[-1]

    stage = Stage(descriptor=Descriptor(name="toy", plan=Pair()), build=build)
    list(apply_between(clips.numbered(10, cuts=(5,)), stage, CPU, Fraction(2)).frames())
    assert [network.calls for network in made] == [8]
    list(apply_between(clips.numbered(1), stage, CPU, Fraction(2)).frames())
    assert len(made) == 1


def test_a_clip_without_a_frame_rate_has_none_afterwards() -> None:
    source = clips.numbered(4)
    uneven = source[:2] + source[2:].std.AssumeFPS(fpsnum=12)
    assert not uneven.fps
    clip = blended(uneven, Fraction(2))
    assert not clip.fps
    assert durations(clip) == [Fraction(1, 48)] * 4 + [Fraction(1, 24)] * 4
