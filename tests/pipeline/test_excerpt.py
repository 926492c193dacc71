"""Parts of a clip: --start, --end, --preview and --dry-run."""

from __future__ import annotations

import subprocess
from fractions import Fraction

import numpy as np
import pytest

from tests.pipeline.measures import onset, pictures, shown_at
from vsrestore import ffmpeg
from vsrestore.pipeline.errors import PipelineError
from vsrestore.pipeline.estimate import dry_run
from vsrestore.pipeline.excerpt import parsed_place, part_of_clip, seconds_of
from vsrestore.pipeline.job import Job

EVEN = [Fraction(number, 24) for number in range(240)]


@pytest.mark.parametrize(
    ("text", "place"),
    [("0", 0), ("1440", 1440), ("60.5s", Fraction(121, 2)), ("1:00.5", Fraction(121, 2)), ("1:02:03", 3723)],
)
def test_places(text, place):
    assert parsed_place("--start", text) == place


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1:2:3:4", "soon", "١"])
def test_what_is_no_place(text):
    with pytest.raises(PipelineError, match="cannot be read; give a frame"):
        parsed_place("--end", text)


def test_a_part_is_from_the_first_frame_at_or_after_its_start():
    assert part_of_clip(None, None, 240, EVEN) == range(240)
    assert part_of_clip("2s", "3.51s", 240, EVEN) == range(48, 85)
    assert part_of_clip("2s", "3s", 480, EVEN) == range(96, 144)  # a filter has doubled the rate
    assert part_of_clip("230", "9999", 240, EVEN) == range(230, 240)
    assert seconds_of(range(96, 144), 480, EVEN) == (2, 1)
    assert seconds_of(range(120, 240), 240, EVEN) == (5, 5)
    for start, end in (("10s", None), ("5", "5"), ("100", "3s")):
        with pytest.raises(PipelineError, match=r"no frame lies there; the clip has 10\.0 s, 240 frames"):
            part_of_clip(start, end, 240, EVEN)


@pytest.fixture(scope="module")
def beep(tmp_path_factory):
    """Eight seconds, of which a tone fills the second half; key frames are far apart."""
    path = tmp_path_factory.mktemp("beep") / "beep.mp4"
    tone = ("-f", "lavfi", "-i", "aevalsrc='if(lt(t,4),0,sin(2*PI*1000*t)*0.5)':d=8:s=48000")
    picture = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=8", *tone, "-c:v", "libx264", "-c:a", "aac")
    subprocess.run([ffmpeg.program(), "-v", "error", *picture, str(path)], check=True)
    return path


@pytest.mark.parametrize(("ending", "start"), [(".mkv", "3.51s"), (".mp4", "85")])
def test_an_excerpt_has_its_own_sound(beep, run, ending, start):
    output, told = run(beep, ending, encoder="x264", start=start, end="6s", segment=1)
    assert told == []
    assert len(shown_at(output)) == 144 - 85
    assert onset(output) == pytest.approx(4 - 85 / 24, abs=0.003)


def test_an_excerpt_has_the_frames_of_the_whole(clip, run):
    whole = pictures(run(clip("uneven.mp4"), encoder="ffv1")[0])
    part, _ = run(clip("uneven.mp4"), encoder="ffv1", start="7", end="15", overwrite=True)
    assert np.array_equal(pictures(part), whole[7:15])


def test_a_preview_shows_before_and_after(clip, run):
    output, _ = run(clip("plain.mp4"), line="clip = core.std.Invert(clip)", encoder="ffv1", preview=1)
    frames = pictures(output)
    assert frames.shape == (24, 64 * 3 // 2, 192)
    before, after = frames[:, :64, :96], frames[:, :64, 96:]
    assert np.array_equal(255 - before, after)


def test_a_preview_of_filters_begins_from_the_source(clip, run):
    output, _ = run(clip("plain.mp4"), filters=("scenes",), encoder="ffv1", preview=1)
    frames = pictures(output)
    assert np.array_equal(frames[:, :64, :96], frames[:, :64, 96:])


def test_a_preview_is_spread_evenly(beep, run):
    """Of eight seconds four: the second half of the first quarter, and so on."""
    whole = pictures(beep)
    frames = pictures(run(beep, encoder="ffv1", ending=".mkv", preview=4)[0])
    assert len(frames) == 96
    starts = [
        next(n for n, frame in enumerate(whole) if np.array_equal(frame[:64], frames[at, :64, :96]))
        for at in (0, 24, 48, 72)
    ]
    assert starts == [21, 63, 105, 147]


def test_a_preview_is_one_of_the_whole(clip, run):
    with pytest.raises(PipelineError, match="leave --start and --end out"):
        run(clip("plain.mp4"), preview=1, end="3")


def test_a_dry_run_measures_and_leaves_nothing(clip, tmp_path, script):
    job = Job(str(clip("plain.mp4")), tmp_path / "out.mkv", script=script("clip = clip.std.Loop(100)"), segment=10)
    estimate = dry_run(job, lambda note: None, lambda done, total: None)
    assert (estimate.frames, estimate.segments, estimate.measured) == (2400, 10, 48)
    assert estimate.seconds > 0
    assert estimate.size > 0
    assert not list(tmp_path.iterdir())
