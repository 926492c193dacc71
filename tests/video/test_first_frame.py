"""What is known of a clip when a script is evaluated."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from vsrestore.video.checks import whole_sdr_frames
from vsrestore.video.first_frame import MOST, first_props

core = vs.core
PAGE = Path(__file__).parents[2] / "docs" / "hdr.md"


def blank(**props: int) -> vs.VideoNode:
    return core.std.BlankClip(format=vs.YUV420P10, width=32, height=32, length=3).std.SetFrameProps(**props)


def hdr(log: list[str]) -> list[str]:
    return [line for line in log if " is HDR " in line]


def refusing(clip: vs.VideoNode) -> vs.VideoNode:
    """A clip that nobody may ask for a frame."""

    def fail(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        raise AssertionError("a frame was asked for")

    return clip.std.ModifyFrame(clips=clip, selector=fail)


def test_the_first_frame_of_a_cheap_clip_is_known():
    clip = blank(_FieldBased=2, _Matrix=1)
    assert first_props(clip[1:].resize.Point(format=vs.RGBS))["_FieldBased"] == 2
    assert first_props(core.std.Interleave([clip, clip])[::2])["_FieldBased"] == 2


def test_nothing_is_restored_to_know_it():
    clip = blank(_FieldBased=2)
    assert first_props(refusing(clip)) == {}
    assert first_props(core.std.Splice([refusing(clip), clip])) == {}
    assert first_props(refusing(clip).resize.Point(format=vs.RGBS)) == {}


def test_a_graph_that_joins_again_and_again_is_no_burden():
    clip = blank()
    for _ in range(MOST):
        clip = core.std.Interleave([clip, clip])[::2]
    assert first_props(clip) == {}


def test_a_frame_that_cannot_be_had_is_left_to_whoever_asks():
    source = core.std.BlankClip(format=vs.GRAY8, width=8, height=8)
    assert first_props(source.resize.Point(format=vs.YUV420P8, matrix=6).std.SetFrameProps(_Matrix=99)) is not None
    failing = source.std.SetFrameProps(_Matrix=0).resize.Bicubic(format=vs.YUV444P8)
    with pytest.raises(vs.Error):
        failing.get_frame(0)
    assert first_props(failing) == {}


def test_it_is_known_inside_a_frame_callback():
    clip = blank(_FieldBased=1)
    seen = []
    core.std.FrameEval(clip, lambda n: seen.append(first_props(clip)) or clip).get_frame(0)
    assert seen[0]["_FieldBased"] == 1


@pytest.mark.parametrize("prop", [{"_FieldBased": 2}, {"_FieldBased": 1}, {"_Field": 0}])
def test_fields_are_refused_when_the_script_is_evaluated(prop):
    with pytest.raises(vs.Error, match=r"^film: frame 0 is (interlaced|a single field) .*deinterlace"):
        vsrestore.film(blank(**prop))


@pytest.mark.parametrize(("transfer", "word"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_told_once(log, transfer, word):
    clip = whole_sdr_frames("film", blank(_Transfer=transfer))
    assert len(hdr(log)) == 1
    assert f"film: frame 0 is HDR (_Transfer={transfer}, {word}) and is taken for SDR" in hdr(log)[0]
    for frame in clip.frames():
        assert frame.props["_Transfer"] == transfer
    assert len(hdr(log)) == 1


def test_hdr_that_begins_later_is_told_when_it_comes(log):
    clip = whole_sdr_frames("film", blank(_Transfer=1)[:1] + blank(_Transfer=16))
    assert hdr(log) == []
    for _ in clip.frames():
        pass
    assert len(hdr(log)) == 1
    assert re.search(r"frame [1-9]\d* is HDR", hdr(log)[0])  # whichever of them comes first


def test_sdr_is_not_talked_about(log):
    whole_sdr_frames("film", blank(_Transfer=1)).get_frame(2)
    assert hdr(log) == []


@pytest.mark.parametrize("transfer", [16, 18])
def test_the_way_there_and_back_loses_nothing(log, transfer, monkeypatch):
    """The page's own lines, with a filter that leaves the picture alone."""
    source = clips.noise(vs.YUV444P10, 64, 32, 1).std.SetFrameProps(
        _Matrix=9, _Primaries=9, _Transfer=transfer, _Range=int(vs.RANGE_LIMITED)
    )
    # Colours that a screen can show; noise of the whole range leaves it.
    source = source.std.Expr(["x 0.5 * 300 +", "x 512 - 0.05 * 512 +"])
    lines = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    lines = lines.replace('vs.core.bs.VideoSource("hdr.mkv")', "source")
    seen = []
    monkeypatch.setattr(vsrestore, "film", lambda clip: seen.append(clip) or clip)
    exec(lines.replace("clip.set_output()", "result = clip"), names := {"source": source})
    old, new = source.get_frame(0), names["result"].get_frame(0)
    for plane in range(3):
        assert np.abs(np.asarray(old[plane]).astype(int) - np.asarray(new[plane])).max() <= 1
    for key in ("_Matrix", "_Primaries", "_Transfer", "_Range"):
        assert new.props[key] == old.props[key]
    picture = np.asarray(seen[0].get_frame(0)[1])
    assert seen[0].get_frame(0).props["_Transfer"] == 1
    assert picture.max() - picture.min() > 0.3
