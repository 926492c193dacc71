"""Colours put on a picture: formats, sizes, the two colour spaces, what is said of clips that have colour already."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import vapoursynth as vs

from tests import clips
from vsrestore.video import colour, formats


def gray_planes(values: np.ndarray) -> vs.VideoNode:
    """A GRAYS clip of one frame."""
    blank = vs.core.std.BlankClip(format=vs.GRAYS, width=values.shape[1], height=values.shape[0], length=1)

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.asarray(frame[0])[:] = values
        return frame

    return blank.std.ModifyFrame(clips=blank, selector=paint)


def picture(clip: vs.VideoNode) -> np.ndarray:
    return np.stack(clips.samples(clip.get_frame(0)))


def lightness(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    luminance = np.tensordot([0.212671, 0.715160, 0.072169], linear, 1)
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def test_lab_keeps_lightness_and_gray_stays_gray() -> None:
    rgb, none = clips.noise(vs.RGBS, 32, 16, 1), gray_planes(np.zeros((16, 32), np.float32))
    gray = picture(colour.with_lab(rgb, none, none))
    np.testing.assert_allclose(gray[0], gray[1], atol=2e-5)
    np.testing.assert_allclose(gray[2], gray[1], atol=2e-5)
    np.testing.assert_allclose(lightness(gray), lightness(picture(rgb)), atol=5e-3)


def test_lab_gives_the_colours_of_srgb() -> None:
    """Red, green and blue of sRGB have these L, a and b."""
    light = [53.2408, 87.7347, 32.2970]
    a, b = ([80.0925, -86.1827, 79.1875], [67.2032, 83.1793, -107.8602])
    lightest = ((np.array(light) + 16) / 116) ** 3
    gray = np.where(lightest > 0.0031308, 1.055 * lightest ** (1 / 2.4) - 0.055, 12.92 * lightest)
    planes = [gray_planes(np.array([row], np.float32)) for row in (gray, a, b)]
    rgb = vs.core.std.ShufflePlanes([planes[0]] * 3, [0, 0, 0], vs.RGB)
    np.testing.assert_allclose(picture(colour.with_lab(rgb, *planes[1:]))[:, 0], np.eye(3), atol=5e-3)


def test_uv_is_that_of_analogue_video() -> None:
    rgb = clips.noise(vs.RGBS, 32, 16, 1)
    red, green, blue = picture(rgb)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = 0.492 * (blue - luma), 0.877 * (red - luma)
    back = picture(colour.with_uv(rgb, gray_planes(u), gray_planes(v)))
    np.testing.assert_allclose(back, picture(rgb), atol=3e-3)  # the published coefficients are rounded to three digits


@pytest.mark.parametrize(("size", "target"), [((64, 64), (90, 70)), ((128, 128), (40, 57)), ((32, 32), (32, 64))])
def test_nearest_takes_the_pixels_of_pytorch(size: tuple[int, int], target: tuple[int, int]) -> None:
    painted = clips.noise(vs.RGBS, *size, 1)
    clip = vs.core.std.BlankClip(width=target[0], height=target[1], length=1)
    found = np.stack([picture(plane)[0] for plane in colour.enlarged("ddcolor", painted, clip, "nearest")])
    taken = torch.from_numpy(picture(painted)[None, 1:])
    np.testing.assert_array_equal(found, torch.nn.functional.interpolate(taken, target[::-1])[0].numpy())


def test_colours_turn_and_stretch() -> None:
    planes = [gray_planes(np.full((2, 2), value, np.float32)) for value in (0.75, 0.5)]
    for hue, expected in ((0, (200, 0)), (90, (0, 200)), (180, (-200, 0))):
        found = [float(picture(plane)[0, 0, 0]) for plane in colour.turned(planes, 400.0, 2.0, hue)]
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("fmt", "wanted", "expected"),
    [
        (vs.GRAY8, None, vs.YUV444P8),
        (vs.GRAY16, None, vs.YUV444P16),
        (vs.GRAYS, None, vs.YUV444PS),
        (vs.YUV420P10, None, vs.YUV420P10),
        (vs.RGB24, None, vs.RGB24),
        (vs.GRAY8, vs.YUV420P8, vs.YUV420P8),
        (vs.YUV420P8, vs.RGBS, vs.RGBS),
    ],
)
def test_format(fmt: int, wanted: int | None, expected: int) -> None:
    assert colour.colour_format("ddcolor", clips.noise(fmt), wanted).id == expected


@pytest.mark.parametrize(
    ("clip", "wanted", "message"),
    [
        (clips.noise(vs.GRAY8), vs.GRAY16, "format=Gray16 has no colour; a YUV or RGB format is accepted"),
        (clips.noise(vs.GRAY8, 25, 16), vs.YUV420P8, "a clip of 25x16 cannot be YUV420P8; choose a 4:4:4 format"),
        (clips.noise(vs.GRAY8), "yuv", "format='yuv'; a format such as vs.YUV420P8 or vs.RGB24 is accepted"),
        (clips.noise(vs.GRAY8), 12345, "format=12345; a format such as"),
    ],
)
def test_formats_that_cannot_be(clip: vs.VideoNode, wanted: int, message: str) -> None:
    with pytest.raises(vs.Error, match=f"ddcolor: {message}"):
        colour.colour_format("ddcolor", clip, wanted)


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.GRAY16, vs.YUV420P8, vs.YUV420P10, vs.YUV444P16])
@pytest.mark.parametrize("full", [0, 1])
def test_luma_stays_to_the_last_bit(fmt: int, full: int) -> None:
    source = formats.with_matrix("ddcolor", clips.noise(fmt, length=1).std.SetFrameProps(_Range=full))
    target = colour.colour_format("ddcolor", source, None)
    given = formats.with_colours(clips.noise(vs.RGBS, length=1, seed=1), source, target).get_frame(0)
    np.testing.assert_array_equal(np.asarray(given[0]), np.asarray(source.get_frame(0)[0]))
    assert given.props["_Range"] == full
    assert given.props["_Matrix"] == 6
    assert np.asarray(given[1]).std() > 0


def test_luma_of_gray_is_kept_at_another_depth() -> None:
    source = formats.with_matrix("ddcolor", clips.noise(vs.GRAY8, length=1))
    target = vs.core.get_video_format(vs.YUV420P16)
    given = formats.with_colours(clips.noise(vs.RGBS, length=1, seed=1), source, target)
    luma = np.asarray(source.get_frame(0)[0]).astype(np.uint16) << 8
    np.testing.assert_array_equal(picture_of_luma(given), luma)


def picture_of_luma(clip: vs.VideoNode) -> np.ndarray:
    return np.array(clip.get_frame(0)[0])


def test_rgb_becomes_yuv_with_a_matrix_of_its_size() -> None:
    source = clips.noise(vs.RGB24, length=1)
    given = formats.with_colours(source.resize.Point(format=vs.RGBS), source, vs.core.get_video_format(vs.YUV444P8))
    assert given.get_frame(0).props["_Matrix"] == 6
    back = given.resize.Point(format=vs.RGB24)
    difference = picture(back).astype(int) - picture(source)
    assert np.abs(difference).mean() < 1.5


def test_colour_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(colour, "warn", lambda name, message: told.append(f"{name}: {message}"))
    for clip in (clips.noise(vs.YUV420P8), clips.noise(vs.RGB24), clips.noise(vs.YUV444PS)):
        told.clear()
        looked_at = colour.told_if_coloured("ddcolor", clip)
        for n in range(looked_at.num_frames):  # one after another, so that frame 0 is the first to be seen
            looked_at.get_frame(n).close()
        assert told == ["ddcolor: frame 0 has colour already; it is painted anew from its brightness alone"]


def test_gray_in_a_colour_format_is_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(colour, "warn", lambda *text: told.append(text))
    for fmt in (vs.YUV420P8, vs.YUV420P16, vs.RGB24, vs.YUV444PS):
        gray = clips.noise(vs.GRAY8).resize.Point(format=fmt, matrix=None if fmt == vs.RGB24 else 6)
        list(colour.told_if_coloured("ddcolor", gray).frames())
    assert not told
