from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.video.frames import plane_views, write_planes
from vsrestore.video.line_shift import lines_moved, moved


def shift_clip(shifts: np.ndarray) -> vs.VideoNode:
    """The same shifts for every line of two frames."""
    blank = vs.core.std.BlankClip(format=vs.GRAYS, width=len(shifts), height=1, length=2)
    row = shifts.astype(np.float32)[None, None]
    return blank.std.ModifyFrame(blank, lambda n, f: write_planes(f, row, limited=False))


def test_parts_of_a_pixel() -> None:
    columns = np.arange(64, dtype=np.float32)
    wave = np.sin(columns / 3)[None].repeat(3, 0).astype(np.float32)
    shifts = np.array([0.4, 0, -1.75], np.float32)
    result = moved(wave, shifts)
    right = np.sin((columns[None] + shifts[:, None]) / 3)
    np.testing.assert_allclose(result[:, 6:-6], right[:, 6:-6], atol=0.005)
    assert np.array_equal(result[1], wave[1])


def test_what_is_uncovered_comes_from_lines_beside_it_or_repeats_the_edge() -> None:
    lines = np.arange(10, dtype=np.float32)[None].repeat(4, 0) + 100 * np.arange(4, dtype=np.float32)[:, None]
    result = moved(lines, np.array([0, 3, 0, 3], np.float32))
    assert result[1].tolist() == [103, 104, 105, 106, 107, 108, 109, 107, 108, 109]  # the mean of lines 0 and 2
    assert result[3, -3:].tolist() == [207, 208, 209]
    np.testing.assert_allclose(moved(lines, np.full(4, -2, np.float32))[0, :3], 0, atol=1e-6)


@pytest.mark.parametrize("fmt", [vs.YUV420P8, vs.YUV422P10, vs.GRAY16, vs.RGBS, vs.RGBH])
def test_lines_without_shift_stay_in_every_format(fmt: int) -> None:
    source = clips.noise(fmt, 32, 32, 2)
    shifts = np.zeros(32)
    shifts[8:12] = 2
    before, after = (plane_views(clip.get_frame(1)) for clip in (source, lines_moved(source, [shift_clip(shifts)])))
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        down, across = (source.format.subsampling_h, source.format.subsampling_w) if number else (0, 0)
        touched = slice(8 >> down, 12 >> down)
        step = 2 >> across
        np.testing.assert_allclose(new[touched, :-step], old[touched, step:], atol=1e-6)
        assert np.array_equal(np.delete(new, np.r_[touched], 0), np.delete(old, np.r_[touched], 0))


def test_fields_have_lines_of_their_own() -> None:
    source = clips.noise(vs.YUV420P8, 32, 32, 2)
    upper, lower = np.zeros(16), np.full(16, 4)
    before, after = (
        plane_views(clip.get_frame(0)) for clip in (source, lines_moved(source, [shift_clip(upper), shift_clip(lower)]))
    )
    for old, new, step in zip(before, after, (4, 2, 2), strict=True):
        assert np.array_equal(new[::2], old[::2])
        assert np.array_equal(new[1::2, :-step], old[1::2, step:])
