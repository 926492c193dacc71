from __future__ import annotations

import os

import numpy as np
import pytest

from vsrestore.comparison.errors import ComparisonError
from vsrestore.comparison.sources import begins_shot, open_clips, picture
from vsrestore.pipeline.errors import PipelineError


def test_pictures_come_as_they_are_and_the_leader_tells_its_shots(video, truth, damaged):
    clips = open_clips({"truth": video("truth.mkv", truth), "before": video("before.mkv", damaged)})
    assert list(clips) == ["truth", "before"]
    for name, pictures in (("truth", truth), ("before", damaged)):
        frames = list(clips[name].frames())
        assert all(np.array_equal(picture(frame), each) for frame, each in zip(frames, pictures, strict=True))
    shots = [n for n, frame in enumerate(clips["truth"].frames()) if begins_shot(frame)]
    assert shots == [12]


def test_other_sizes_and_lengths_are_refused(video, truth):
    whole = video("whole.mkv", truth)
    shorter = video("shorter.mkv", truth[:-1])
    narrower = video("narrower.mkv", [each[:, :-2] for each in truth])
    with pytest.raises(
        ComparisonError, match=r"shorter.mkv: has 19 frames of 96x64, .*whole.mkv 20 frames of 96x64; .* trim one"
    ):
        open_clips({"before": whole, "after": shorter})
    with pytest.raises(
        ComparisonError, match=r"narrower.mkv: has 20 frames of 94x64, .*whole.mkv 20 frames of 96x64; .*resize"
    ):
        open_clips({"before": whole, "after": narrower})


def test_pictures_too_small_for_the_figures_are_refused(video, truth):
    small = video("small.mkv", [each[:12, :40] for each in truth])
    with pytest.raises(ComparisonError, match=r"small.mkv: has 20 frames of 40x12; at least 16x16"):
        open_clips({"before": small, "after": small})


def test_files_that_are_no_video_are_refused(video, truth, tmp_path):
    whole = video("whole.mkv", truth)
    words = tmp_path / "words.txt"
    words.write_text("no video")
    for wrong, message in (
        (tmp_path / "none.mkv", "no such file"),
        (tmp_path, "is a folder"),
        (words, "no video file"),
    ):
        with pytest.raises(PipelineError, match=message):
            open_clips({"before": whole, "after": wrong})


def test_the_index_is_that_of_the_file_as_it_is_now(video, truth, monkeypatch, tmp_path):
    """BestSource knows a file by name and size, which another that takes its place may share."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = video("a.mkv", truth)
    states = []
    for time in (1, 2):
        os.utime(path, (time, time))
        open_clips({"before": path})
        states.append([folder.name for folder in (tmp_path / "cache" / "vsrestore" / "index").iterdir()])
    assert [len(folders) for folders in states] == [1, 1]
    assert states[0] != states[1]


def test_where_no_index_can_be_kept_videos_are_opened_all_the_same(video, truth, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    clip = open_clips({"before": video("b.mkv", truth)})["before"]
    assert np.array_equal(picture(clip.get_frame(3)), truth[3])
