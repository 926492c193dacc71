from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import vapoursynth as vs

from vsrestore.comparison.side_by_side import encoding, side_by_side
from vsrestore.pipeline.errors import PipelineError, RunError

RED, GREEN, BLUE = (200, 30, 30), (30, 180, 30), (30, 30, 200)


def clip_of(colour, width, height, length=5):
    return vs.core.std.BlankClip(
        format=vs.RGB24, width=width, height=height, length=length, color=colour, fpsnum=30, fpsden=1
    )


def written(clips, path):
    video = side_by_side(clips)
    with encoding(video, path) as take:
        for frame in video.frames(close=True):
            take(frame)
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
        return stream.average_rate, stream.codec_context, frames


@pytest.mark.parametrize(("width", "height"), [(96, 64), (97, 65), (20, 16), (128, 600)])
def test_clips_stand_beside_each_other_under_their_names(tmp_path, width, height):
    clips = {
        name: clip_of(colour, width, height) for name, colour in (("before", RED), ("after", GREEN), ("truth", BLUE))
    }
    rate, codec, frames = written(clips, tmp_path / "video.mp4")
    assert len(frames) == 5
    assert rate == 30
    assert (codec.colorspace, codec.color_range) == (1, 1)
    found = frames[2]
    label = found.shape[0] - height - height % 2
    assert 20 <= label <= 80
    for number, colour in enumerate((RED, GREEN, BLUE)):
        column = found[label:, number * width : (number + 1) * width]
        assert np.abs(column[4 : height - 4, 4 : width - 4].mean((0, 1)) - colour).max() < 4
        assert found[:label, number * width : (number + 1) * width].max() > 180


def test_a_failure_of_ffmpeg_is_told(tmp_path):
    with pytest.raises(RunError, match="ffmpeg failed"):
        written({"before": clip_of(RED, 96, 64), "after": clip_of(RED, 96, 64)}, tmp_path / "nowhere" / "video.mp4")


def test_a_full_disk_is_told(tmp_path):
    (tmp_path / "video.mkv").symlink_to("/dev/full")
    with pytest.raises(PipelineError, match="disk is full"):
        written({"before": clip_of(RED, 96, 64), "after": clip_of(RED, 96, 64)}, tmp_path / "video.mkv")


def test_no_name_is_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    video = side_by_side({"before": clip_of(RED, 64, 48)})
    with encoding(video, Path("http:host.mp4")) as take:
        for frame in video.frames(close=True):
            take(frame)
    assert [path.name for path in tmp_path.iterdir()] == ["http:host.mp4"]
