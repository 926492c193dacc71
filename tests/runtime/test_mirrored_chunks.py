"""Chunks of 20 frames with an overlap of 4, as MMP-RNN's authors run it, and what the ends of a shot get."""

from __future__ import annotations

import pytest

from vsrestore.runtime.mirrored_chunks import mirrored, mirrored_chunks


def test_published_chunks_join_and_the_last_is_moved_back() -> None:
    chunks = mirrored_chunks(44, mirror=False)
    assert [(chunk.frames[0], chunk.frames[-1]) for chunk in chunks] == [(0, 19), (16, 35), (24, 43)]
    assert [chunk.outputs for chunk in chunks] == [range(2, 18), range(18, 26), range(26, 42)]


def test_chunks_that_fit_are_not_moved() -> None:
    assert [chunk.outputs for chunk in mirrored_chunks(36, mirror=False)] == [range(2, 18), range(18, 34)]


def test_a_mirrored_shot_gets_all_its_frames() -> None:
    first, last = mirrored_chunks(30)
    assert first.frames == (2, 1, *range(18))
    assert last.frames == (*range(12, 30), 28, 27)
    assert (first.outputs, last.outputs) == (range(14), range(14, 30))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 15, 16, 17, 33, 100])
def test_every_frame_comes_from_the_middle_of_one_chunk(length: int) -> None:
    given = []
    for chunk in mirrored_chunks(length):
        assert len(chunk.frames) == min(20, length + 4)
        assert chunk.frames[2:-2][: len(chunk.outputs)] == tuple(chunk.outputs)
        assert all(0 <= number < length for number in chunk.frames)
        given += chunk.outputs
    assert given == list(range(length))


def test_short_shots_are_mirrored_back_and_forth() -> None:
    assert [mirrored(number, 1) for number in range(-2, 3)] == [0, 0, 0, 0, 0]
    assert [mirrored(number, 2) for number in range(-2, 4)] == [0, 1, 0, 1, 0, 1]
    assert [mirrored(number, 3) for number in range(-2, 5)] == [2, 1, 0, 1, 2, 1, 0]


@pytest.mark.parametrize(("length", "chunk", "mirror"), [(4, 20, False), (30, 4, True), (0, 20, True)])
def test_what_is_too_short_for_an_output_is_refused(length: int, chunk: int, mirror: bool) -> None:
    with pytest.raises(ValueError, match="more than 4 are needed"):
        mirrored_chunks(length, chunk, mirror=mirror)
