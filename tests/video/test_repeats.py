"""Repeated frames are found, and are no neighbours of themselves."""

from __future__ import annotations

import pytest
import vapoursynth as vs

from tests import clips
from tests.runtime.kinds import KINDS
from vsrestore.video.repeats import PROPERTY, compared, repeated

TRANSFERRED = [0, 1, 2, 2, 3, 4, 4, 5, 6]


def in_order(source: vs.VideoNode, numbers: list[int]) -> vs.VideoNode:
    clip = source[numbers[0]]
    for number in numbers[1:]:
        clip += source[number]
    return clip


def found(clip: vs.VideoNode) -> list[int]:
    frames = [frame.copy() for frame in compared(clip).frames()]
    return sorted(repeated(frames, range(len(frames))))


def with_spot(clip: vs.VideoNode, number: int, size: int) -> vs.VideoNode:
    """Paint a white square into one frame."""
    spot = clip[number].std.Crop(right=clip.width - size, bottom=clip.height - size).std.Expr("1")
    right = clip[number].std.Crop(left=size, bottom=clip.height - size)
    below = clip[number].std.Crop(top=size)
    dirty = vs.core.std.StackVertical([vs.core.std.StackHorizontal([spot, right]), below])
    return clip[:number] + dirty + clip[number + 1 :]


@pytest.mark.parametrize("fmt", [vs.RGBS, vs.GRAYS])
def test_repeated_frames_are_found(fmt: int) -> None:
    assert found(in_order(clips.noise(fmt), TRANSFERRED)) == [3, 6]


@pytest.mark.parametrize("size", [(1, 1), (2, 64), (64, 3)])
def test_in_the_smallest_pictures_too(size: tuple[int, int]) -> None:
    source = clips.noise(width=64, height=64).std.CropAbs(*size)
    assert found(in_order(source, TRANSFERRED)) == [3, 6]


def test_compression_may_change_a_repeated_frame_a_little() -> None:
    clip = in_order(clips.noise(), TRANSFERRED)
    assert found(clip[:3] + clip[3].std.Expr("x 0.02 +") + clip[4:]) == [3, 6]


def test_a_still_picture_is_not_repeated() -> None:
    assert found(clips.noise()[0] * 8) == []
    moving = clips.noise()
    assert found(moving[:4] + moving[4] * 4) == []


def test_a_frame_with_other_dirt_is_not_repeated() -> None:
    clip = in_order(clips.noise(width=64, height=64), TRANSFERRED)
    assert found(with_spot(clip, 3, 4)) == [6]


def test_ends_of_a_clip_differ_from_what_lies_beyond() -> None:
    frames = [frame.copy() for frame in compared(in_order(clips.noise(), [0, 0, 1, 2, 2])).frames()]
    run = [frames[0], *frames, frames[-1]]
    assert repeated(run, range(1, 6)) == {2, 5}


def test_a_window_skips_the_repeated_frame() -> None:
    source = in_order(clips.numbered(7), TRANSFERRED)
    clip = KINDS["window, repeats"].restored(source)
    # The last frame of the fourth place sees 0 1 (2) 3 4, as the one before it does.
    assert [clips.number(clip.get_frame(n)) for n in (2, 3)] == pytest.approx([2.0, 2.0], abs=1e-3)
    told = clip.get_frame(3).props
    assert not [name for name in told if name.startswith(PROPERTY)]
