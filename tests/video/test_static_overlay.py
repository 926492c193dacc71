from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from vsrestore.video.morphology import black_top_hat, dilated, eroded, white_top_hat

HEIGHT, WIDTH, LENGTH = 240, 320, 64
# Figures of 5x7 pixels, a row each.
FIGURES = {
    "1": ("00100", "01100", "00100", "00100", "00100", "00100", "01110"),
    "4": ("00010", "00110", "01010", "10010", "11111", "00010", "00010"),
    "7": ("11111", "00001", "00010", "00100", "01000", "01000", "01000"),
    "9": ("01110", "10001", "10001", "01111", "00001", "00010", "01100"),
}


@cache
def field() -> np.ndarray:
    """A soft random picture, larger than a frame, 20 to 170."""
    rng = np.random.default_rng(0)
    rough = rng.random((HEIGHT, 2 * WIDTH))
    for _ in range(3):
        rough = (rough + np.roll(rough, 1, 0) + np.roll(rough, 1, 1) + np.roll(rough, (1, 1), (0, 1))) / 4
    rough = (rough - rough.min()) / (rough.max() - rough.min())
    return (20 + 150 * rough).astype(np.float32)


def writing(text: str, top: int, left: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for place, figure in enumerate(text):
        rows = np.array([[pixel == "1" for pixel in row] for row in FIGURES[figure]])
        mask[top : top + 14, left + 14 * place : left + 14 * place + 10] = rows.repeat(2, 0).repeat(2, 1)
    return mask


def date_at(n: int, text: str, clock: str, top: int, left: int) -> np.ndarray:
    """A date, and one figure beside it that changes every eighth frame."""
    return writing(text + (clock[n // 8 % len(clock)] if clock else ""), top, left)


def dated(
    text: str,
    clock: str = "",
    edge: bool = False,
    speed: int = 2,
    fmt: int = vs.YUV420P8,
    top: int = 200,
    left: int = 180,
) -> vs.VideoNode:
    """A moving picture with a date drawn in, as it comes from a decoder."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        picture = np.roll(field(), -speed * n, 1)[:, :WIDTH] + np.random.default_rng(n).random((HEIGHT, WIDTH))
        mask = date_at(n, text, clock, top, left)
        if edge:
            picture[dilated(mask, 1)] = 20
        picture[mask] = 230
        samples = np.asarray(frame[0])
        samples[:] = np.rint(picture) if samples.dtype == np.uint8 else picture / 255
        for plane in range(1, f.format.num_planes):
            np.asarray(frame[plane])[:] = np.asarray(frame[0]) if f.format.color_family == vs.RGB else 128
        return frame

    blank = vs.core.std.BlankClip(format=fmt, width=WIDTH, height=HEIGHT, length=LENGTH)
    return blank.std.ModifyFrame(clips=blank, selector=paint)


def mask_at(clip: vs.VideoNode, n: int) -> np.ndarray:
    return clips.samples(clip.get_frame(n))[0] > 0


@pytest.mark.parametrize(
    ("text", "clock", "edge", "fmt"),
    [
        ("1994", "", False, vs.YUV420P8),
        ("1994", "", True, vs.RGB24),
        ("1994", "147", False, vs.GRAYS),
        ("14", "97", True, vs.YUV420P8),
    ],
)
def test_a_date_is_covered_and_little_else(text: str, clock: str, edge: bool, fmt: int) -> None:
    found = vsrestore.static_overlay(dated(text, clock, edge, fmt=fmt))
    assert (found.format.id, found.width, found.height, found.num_frames) == (vs.GRAY8, WIDTH, HEIGHT, LENGTH)
    for n in (0, 13, 37):
        date = date_at(n, text, clock, 200, 180)
        whole = dilated(date, 1) if edge else date
        mask = mask_at(found, n)
        assert mask[date].mean() >= 0.95
        assert mask[whole].mean() >= 0.9
        assert (mask & ~dilated(whole, 2)).mean() <= 0.01


def test_nothing_is_found_where_nothing_is_burnt_in_or_nothing_moves() -> None:
    assert not mask_at(vsrestore.static_overlay(dated("")), 9).any()
    assert not mask_at(vsrestore.static_overlay(dated("1994", speed=0)), 9).any()
    assert not mask_at(vsrestore.static_overlay(dated("1994")[:1]), 0).any()


def test_what_sways_by_less_than_its_width_is_not_burnt_in() -> None:
    """Its middle is always covered and stands still, but its sides reach out of it now here and now there."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        picture = np.roll(field(), -2 * n, 1)[:, :WIDTH]
        for bar in range(8):
            left = 60 + 20 * bar + round(2 * np.sin(n / 3))
            picture[100:124, left : left + 8] = 230
        np.asarray(frame[0])[:] = np.rint(picture)
        return frame

    blank = vs.core.std.BlankClip(format=vs.GRAY8, width=WIDTH, height=HEIGHT, length=LENGTH)
    assert not mask_at(vsrestore.static_overlay(blank.std.ModifyFrame(clips=blank, selector=paint)), 9).any()


def test_the_ground_between_strokes_is_not_a_dark_edge() -> None:
    plain, background = dated("1994"), dated("").std.Expr(["x 4 / 90 +", ""])
    mask = mask_at(vsrestore.static_overlay(vs.core.std.Expr([plain, background], ["x 200 > x y ?", ""])), 9)
    date = date_at(9, "1994", "", 200, 180)
    assert mask[date].mean() >= 0.95
    assert not (mask & ~dilated(date, 2)).any()


def test_a_mask_is_one_pixel_wider_than_plain_writing() -> None:
    date = date_at(9, "1994", "", 200, 180)
    mask = mask_at(vsrestore.static_overlay(dated("1994")), 9)
    assert not (mask & ~dilated(date, 1)).any()
    assert mask[date].all()


def test_colour_is_found_on_a_plain_ground_of_its_brightness_while_most_of_the_picture_moves() -> None:
    """A quarter of the texture stands still, the rest moves; the writing differs from its ground by colour alone."""
    date = writing("1994", 204, 180)

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        picture = np.roll(field(), -2 * n, 1)[:, :WIDTH]
        picture[:48] = field()[:48, :WIDTH]
        picture[180:] = 150
        np.asarray(frame[0])[:] = np.rint(picture)
        for plane, value in ((1, 60), (2, 200)):
            np.asarray(frame[plane])[:] = np.where(date, value, 128)
        return frame

    blank = vs.core.std.BlankClip(format=vs.YUV444P8, width=WIDTH, height=HEIGHT, length=LENGTH)
    blank = blank.std.SetFrameProps(_Matrix=vs.MATRIX_BT709)
    mask = mask_at(vsrestore.static_overlay(blank.std.ModifyFrame(clips=blank, selector=paint)), 9)
    assert mask[date].mean() >= 0.95
    assert not (mask & ~dilated(date, 2)).any()


@pytest.mark.slow
def test_a_frame_is_the_same_in_any_order_and_a_window_knows_only_its_frames() -> None:
    clip = dated("1994", "1974")
    ordered = [clips.picture(frame) for frame in vsrestore.static_overlay(clip, window=48).frames()]
    assert len(set(ordered)) > 1
    numbers = random.Random(1).sample(range(LENGTH), 9)
    again = vsrestore.static_overlay(clip, window=48)
    assert all(clips.picture(again.get_frame(n)) == ordered[n] for n in numbers)
    other = vsrestore.static_overlay(clip[:54] + dated("", speed=3)[54:], window=48)
    assert clips.picture(other.get_frame(5)) == ordered[5]
    assert clips.picture(other.get_frame(63)) != ordered[63]


def test_it_is_a_mask_for_other_filters() -> None:
    from vsrestore.video.masks import mask_clip

    clip = dated("1994")
    found = vsrestore.static_overlay(clip)
    np.testing.assert_array_equal(mask_at(mask_clip("toy", clip, found), 3), mask_at(found, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contrast": 0}, "static_overlay: contrast=0; a number from 0.02 to 1 is accepted"),
        ({"contrast": "much"}, "static_overlay: contrast='much'; a number"),
        ({"window": 31}, "static_overlay: window=31; a whole number of at least 32"),
        ({"clip": "clip"}, "static_overlay: clip is str; a video clip"),
    ],
)
def test_bad_input(arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.static_overlay(**{"clip": clips.noise(), **arguments})


def test_the_square_around_every_pixel() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (11, 14), np.uint8)
    for radius, across in ((1, 1), (2, 2), (3, 5)):
        around = np.pad(picture, ((radius, radius), (across, across)), mode="edge")
        squares = np.lib.stride_tricks.sliding_window_view(around, (2 * radius + 1, 2 * across + 1))
        np.testing.assert_array_equal(dilated(picture, radius, across), squares.max((2, 3)))
        if radius == across:
            np.testing.assert_array_equal(eroded(picture, radius), squares.min((2, 3)))
    line = np.zeros((9, 9), np.uint8)
    line[:, 4] = 50
    np.testing.assert_array_equal(white_top_hat(line, 1), line)
    np.testing.assert_array_equal(black_top_hat(100 - line, 1), line)
