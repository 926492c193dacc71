"""Several inputs."""

from __future__ import annotations

import pytest

from vsrestore.pipeline.errors import PipelineError
from vsrestore.pipeline.many import pairs, several


@pytest.fixture
def films(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a.mp4", "a.avi", "b.MKV", "notes.txt", ".c.mkv"):
        (folder / name).touch()
    return folder


def test_each_video_of_a_folder_has_an_output_of_its_own(films, tmp_path):
    made = pairs([str(films)], tmp_path / "out", "x264")
    names = {path.rpartition("/")[2]: output.name for path, output in made}
    assert names == {".c.mkv": ".c.mkv", "a.avi": "a.mkv", "a.mp4": "a.mp4", "b.MKV": "b.MKV"}
    assert (tmp_path / "out").is_dir()


def test_two_of_one_name_stay_two(films, tmp_path):
    made = pairs([str(films / "a.mp4"), str(films / "a.avi")], tmp_path / "out", "ffv1")
    assert [output.name for _, output in made] == ["a.mkv", "a.avi.mkv"]


def test_when_the_output_is_a_folder(films):
    assert several([str(films)])
    assert several(["a.mkv", "b.mkv"])
    assert not several(["a.mkv"])
    assert not several(["https://example.org/a"])


def test_what_cannot_be_several(films, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PipelineError, match="no video is there"):
        pairs([str(tmp_path / "empty")], tmp_path / "out", "x264")
    with pytest.raises(PipelineError, match="the output is a folder"):
        pairs([str(films)], films / "notes.txt", "x264")
    with pytest.raises(PipelineError, match="give a URL alone"):
        pairs(["https://example.org/a", "b.mkv"], tmp_path / "out", "x264")
