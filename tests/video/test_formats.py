"""Any format in, the same format out, and what a network leaves alone comes back exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import vapoursynth as vs

from tests import clips
from tests.runtime import networks as nets
from vsrestore.video.formats import guessed_matrix

FORMATS = [
    vs.GRAY8, vs.GRAY16, vs.GRAYS, vs.GRAYH,
    vs.YUV420P8, vs.YUV420P10, vs.YUV420P12, vs.YUV420P16, vs.YUV420PH, vs.YUV420PS, vs.YUV411P8,
    vs.YUV422P8, vs.YUV422P10, vs.YUV422P16, vs.YUV444P8, vs.YUV444P12, vs.YUV444P16, vs.YUV444PS, vs.YUV444PH,
    vs.RGB24, vs.RGB30, vs.RGB48, vs.RGBS, vs.RGBH,
]  # fmt: skip


class Gain(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images * 0.5


@pytest.mark.parametrize("planes", ["rgb", "luma"])
@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: vs.core.get_video_format(f).name)
def test_identity_gives_the_source_back(fmt: int, planes: str) -> None:
    source = clips.noise(fmt, 32, 16, 2).std.SetFrameProps(_Matrix=1, mine=7)
    if source.format.color_family == vs.RGB:
        source = source.std.SetFrameProps(_Matrix=0)
    result = nets.run(source, nets.with_traits(nets.IMAGE, channels=planes), nets.Identity)
    assert result.format.id == fmt
    assert result.fps == source.fps
    before, after = source.get_frame(1), result.get_frame(1)
    assert dict(after.props) == dict(before.props)
    tolerance = 1e-6 if vs.core.get_video_format(fmt).sample_type == vs.FLOAT else 0
    if fmt == vs.RGBS and planes == "rgb":
        tolerance = 0
    for mine, theirs in zip(clips.samples(after), clips.samples(before), strict=True):
        assert np.abs(mine.astype(np.float64) - theirs).max() <= tolerance


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("full", [0, 1])
@pytest.mark.parametrize("fmt", [vs.YUV444P16, vs.YUV420P8, vs.GRAY16])
def test_matrix_and_range_of_each_frame_count(fmt: int, matrix: int, full: int) -> None:
    source = vs.core.std.BlankClip(format=vs.RGBS, width=16, height=16, color=[0.8, 0.4, 0.2])
    source = source.resize.Bicubic(format=fmt, matrix=matrix, range=full)
    expected = vs.core.std.BlankClip(format=vs.RGBS, width=16, height=16, color=[0.4, 0.2, 0.1])
    expected = expected.resize.Bicubic(format=fmt, matrix=matrix, range=full)
    result = nets.run(source, nets.IMAGE, Gain).get_frame(0)
    assert result.props["_Matrix"] == matrix
    assert result.props["_Range"] == full
    for mine, theirs in zip(clips.samples(result), clips.samples(expected.get_frame(0)), strict=True):
        assert abs(int(mine[4, 4]) - int(theirs[4, 4])) <= (1 if fmt == vs.YUV420P8 else 4)


def test_frames_of_different_matrix_in_one_clip() -> None:
    one, other = (clips.noise(vs.YUV444P8, 16, 16, 2, seed=s).std.SetFrameProps(_Matrix=m) for s, m in ((0, 1), (1, 6)))
    result = nets.run(one + other, nets.IMAGE, Gain)
    alone = nets.run(other, nets.IMAGE, Gain)
    assert clips.picture(result.get_frame(3)) == clips.picture(alone.get_frame(1))


@pytest.mark.parametrize(
    ("size", "matrix"), [((720, 480), 6), ((720, 576), 5), ((720, 1280), 1), ((1280, 720), 1), ((1920, 1080), 1)]
)
def test_guessed_matrix(size: tuple[int, int], matrix: int) -> None:
    assert guessed_matrix(*size) == matrix


def test_a_missing_matrix_is_told_once_and_not_written(log: list[str]) -> None:
    source = clips.noise(vs.YUV420P8, 32, 16, 5)
    result = nets.run(source, nets.IMAGE, nets.Identity)
    frames = [result.get_frame(n) for n in range(5)]
    assert all("_Matrix" not in frame.props for frame in frames)
    assert len([line for line in log if "toy: the clip names no matrix" in line]) == 1


def test_a_matrix_that_was_guessed_is_written_where_the_size_changes() -> None:
    """A guess is made of the size: the next filter, or a player, would make another one."""
    source = vs.core.std.BlankClip(format=vs.YUV420P8, width=720, height=480, length=1, color=[90, 100, 150])
    enlarging = nets.with_traits(nets.IMAGE, scale=2)
    result = nets.run(source, enlarging, nets.Enlarge).get_frame(0)
    assert guessed_matrix(720, 480) != guessed_matrix(1440, 960)
    assert result.props["_Matrix"] == guessed_matrix(720, 480)
    assert [int(np.asarray(plane)[0, 0]) for plane in result] == [90, 100, 150]


def test_what_the_network_changes_is_its_own_picture() -> None:
    """Values beyond white, which the network cannot see, must not shine through where it changed the picture."""
    source = vs.core.std.BlankClip(format=vs.YUV444P8, width=16, height=16, color=[254, 128, 128]).std.SetFrameProps(
        _Matrix=6
    )
    result = nets.run(source, nets.IMAGE, Gain).get_frame(0)
    assert abs(int(np.asarray(result[0])[0, 0]) - (16 + 219 // 2)) <= 1
