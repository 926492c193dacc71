from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from tests.video.test_png import png
from vsrestore.video.masks import holes_of, mask_clip, patched


def painted(fmt: int, value: float, length: int = 1, width: int = 24, height: int = 16) -> vs.VideoNode:
    """Black, with ``value`` in a box of rows 4 to 7 and columns 6 to 10."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.asarray(frame[0])[4:8, 6:11] = value
        return frame

    blank = vs.core.std.BlankClip(format=fmt, width=width, height=height, length=length)
    return blank.std.ModifyFrame(clips=blank, selector=paint)


def hole(clip: vs.VideoNode, n: int = 0) -> np.ndarray:
    return clips.samples(clip.get_frame(n))[0]


BOX = np.zeros((16, 24), np.float32)
BOX[4:8, 6:11] = 1
RIM = np.ones((16, 24), np.float32)
RIM[3:-3, 3:-3] = 0


@pytest.mark.parametrize(
    ("fmt", "value", "holed"),
    [
        (vs.GRAY8, 255, True),
        (vs.GRAY8, 235, True),
        (vs.GRAY8, 127, False),
        (vs.GRAY16, 32768, True),
        (vs.GRAYS, 0.5, True),
        (vs.GRAYS, 0.4, False),
        (vs.GRAYH, 1, True),
    ],
)
def test_white_is_a_hole_in_any_gray_format(fmt: int, value: float, holed: bool) -> None:
    found = holes_of("toy", clips.noise(vs.YUV420P8), painted(fmt, value), 0)
    assert (found.format.id, found.num_frames) == (vs.GRAYS, 7)
    np.testing.assert_array_equal(hole(found, 6), BOX * holed)


def test_a_border_is_a_hole_alone_and_with_a_mask() -> None:
    clip, mask = clips.noise(vs.RGB24), painted(vs.GRAY8, 255, length=7)
    np.testing.assert_array_equal(hole(holes_of("toy", clip, None, 3), 4), RIM)
    np.testing.assert_array_equal(hole(holes_of("toy", clip, mask, 3), 4), np.maximum(RIM, BOX))


def test_a_rectangle_is_left_top_width_height() -> None:
    found = mask_clip("toy", clips.noise(vs.YUV420P8), (6, 4, 5, 4))
    assert (found.format.id, found.num_frames) == (vs.GRAYS, 7)
    np.testing.assert_array_equal(hole(found, 6), BOX)
    assert hole(mask_clip("toy", clips.noise(), [0, 0, 24, 16])).all()


def test_a_png_is_white_where_a_hole_is(tmp_path: Path) -> None:
    file = png(tmp_path / "mask.png", (255 * BOX).astype(np.uint8))
    for path in (file, str(file)):
        found = mask_clip("toy", clips.noise(vs.YUV420P8), path)
        assert (found.format.id, found.num_frames) == (vs.GRAYS, 7)
        np.testing.assert_array_equal(hole(found, 6), BOX)


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.RGB24, vs.RGBS, vs.RGBH])
def test_nothing_but_the_holes_changes(fmt: int) -> None:
    source, result = clips.noise(fmt, seed=1), clips.noise(fmt, seed=2)
    given = patched(source, result, holes_of("toy", source, painted(vs.GRAY8, 255), 0))
    planes = (clips.samples(clip.get_frame(3)) for clip in (source, result, given))
    for number, (before, painted_over, after) in enumerate(zip(*planes, strict=True)):
        down, across = (16 // before.shape[0], 24 // before.shape[1]) if number else (1, 1)
        touched = BOX.reshape(16 // down, down, 24 // across, across).any((1, 3))
        np.testing.assert_array_equal(after, np.where(touched, painted_over, before))


def test_a_frame_without_holes_is_the_source_frame() -> None:
    source = clips.noise(vs.YUV420P10).std.SetFrameProps(mine=3)
    given = patched(source, clips.noise(vs.YUV420P10, seed=2), holes_of("toy", source, painted(vs.GRAY8, 0), 0))
    assert clips.picture(given.get_frame(2)) == clips.picture(source.get_frame(2))
    assert given.get_frame(2).props["mine"] == 3


@pytest.mark.parametrize(
    ("mask", "border", "message"),
    [
        (None, 0, "toy: neither mask nor border is given"),
        (None, -1, "toy: border=-1; a whole number of at least 0"),
        (None, 8, "toy: border=8 leaves nothing of a clip of 24x16"),
        ("no.png", 0, r"toy: mask='no.png' cannot be read \(No such file or directory\); give the path of a PNG"),
        (5, 0, "toy: mask is int; accepted: a gray clip"),
        ((1, 2, 3), 0, r"toy: mask=\(1, 2, 3\); accepted: a gray clip .*, or a rectangle \(left, top, width, height\)"),
        ((1, 2, 3.5, 4), 0, r"toy: mask=\(1, 2, 3.5, 4\); accepted"),
        ((20, 0, 5, 4), 0, "which is left, top, width, height, does not lie in a clip of 24x16; a rectangle inside it"),
        ((-1, 0, 5, 4), 0, "does not lie in a clip"),
        ((0, 0, 5, 0), 0, "does not lie in a clip"),
        (clips.noise(vs.YUV420P8), 0, "toy: mask is YUV420P8; a gray clip is accepted"),
        (clips.noise(vs.GRAY8, length=6), 0, "toy: mask has 6 frames but the clip has 7; one frame, or as many"),
        (clips.noise(vs.GRAY8, length=8), 0, "toy: mask has 8 frames but the clip has 7; one frame, or as many"),
        (clips.noise(vs.GRAY8, width=26), 0, "toy: mask is 26x16 but the clip is 24x16; both must agree"),
    ],
)
def test_masks_that_do_not_fit(mask: object, border: int, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        holes_of("toy", clips.noise(vs.YUV420P8), mask, border)
