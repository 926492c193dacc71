from __future__ import annotations

from fractions import Fraction

import pytest

from vsrestore.pipeline.errors import PipelineError
from vsrestore.pipeline.probe import probe


def test_what_a_file_holds(clip):
    media = probe(clip("rich.mkv"))
    kinds = ["audio", "audio", "subtitle", "subtitle", "attachment"]
    assert [track.kind for track in media.tracks] == kinds
    assert (media.picture.width, media.picture.height, media.chapters) == (96, 64, 2)


def test_start_is_measured_from_the_file_start(clip):
    assert probe(clip("late_picture.mkv")).picture.start == Fraction(31, 100)
    assert probe(clip("plain.mp4")).picture.start == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), (b"", "is empty"), (b"not a film at all\n" * 99, "is no video file that can be read")],
)
def test_what_is_no_film(tmp_path, content, message):
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PipelineError, match=message):
        probe(path)


def test_a_folder_and_a_file_without_picture(clip, tmp_path):
    with pytest.raises(PipelineError, match="is a folder"):
        probe(tmp_path)
    with pytest.raises(PipelineError, match="has no video stream"):
        probe(clip("sound.m4a"))


def test_an_mp4_without_its_index_is_no_video(clip, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip("plain.mp4").read_bytes()[:5000])
    with pytest.raises(PipelineError, match="is no video file that can be read"):
        probe(cut)
