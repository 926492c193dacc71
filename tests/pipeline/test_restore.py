from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.pipeline.measures import assert_times, luma, onset, pictures, shown_at
from vsrestore.pipeline.errors import PipelineError, RunError
from vsrestore.pipeline.probe import probe


@pytest.mark.parametrize("name", ["ten_bit.mkv", "gray.mkv", "plain.mp4"])
def test_lossless_encoder_keeps_every_sample(clip, run, name):
    output, told = run(clip(name), encoder="ffv1")
    assert np.array_equal(pictures(clip(name)), pictures(output))
    assert not told


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
@pytest.mark.parametrize("name", ["film.mkv", "late_picture.mkv", "late_sound.mp4", "uneven.mp4"])
def test_picture_and_sound_stay_where_they_were(clip, run, name, ending):
    output, told = run(clip(name), ending, preset="medium")
    assert not told
    assert_times(clip(name), output)
    assert onset(output) == pytest.approx(onset(clip(name)), abs=0.002)


@pytest.mark.parametrize(("encoder", "ending"), [("x265", ".mp4"), ("svt-av1", ".mp4"), ("ffv1", ".mkv")])
def test_uneven_times_with_every_encoder(clip, run, encoder, ending):
    output, told = run(clip("uneven.mp4"), ending, encoder=encoder)
    assert not told
    assert_times(clip("uneven.mp4"), output)


@pytest.mark.parametrize(
    ("encoder", "ending"), [("x264", ".mkv"), ("x264", ".mp4"), ("x265", ".mkv"), ("ffv1", ".mkv"), ("svt-av1", ".mp4")]
)
def test_tags_arrive(clip, run, encoder, ending):
    output, told = run(clip("tagged.mkv"), ending, encoder=encoder)
    picture = probe(output).picture
    assert not told
    assert picture.sar == Fraction(32, 27)
    assert picture.colour == {"range": 2, "matrix": 5, "primaries": 5, "transfer": 6, "chroma": 3}


@pytest.mark.parametrize("encoder", ["ffv1", "svt-av1"])
def test_tags_survive_new_times(clip, run, encoder):
    line = "clip = clip[:12] + clip[12:].std.SetFrameProps(_DurationNum=1, _DurationDen=12)"
    output, _ = run(clip("tagged.mkv"), line=line, encoder=encoder)
    picture = probe(output).picture
    times = shown_at(output)
    assert times[-1] - times[-2] == pytest.approx(Fraction(1, 12), abs=0.002)
    assert picture.sar == Fraction(32, 27)
    assert picture.colour["matrix"] == 5


@pytest.mark.parametrize("encoder", ["x264", "ffv1"])
def test_fields_stay_fields(clip, run, encoder):
    output, told = run(clip("fields.mkv"), encoder=encoder)
    with av.open(str(output)) as container:
        frame = next(container.decode(video=0))
    assert frame.interlaced_frame
    assert not told


def test_everything_beside_the_picture_is_copied(clip, run):
    output, told = run(clip("rich.mkv"))
    made, source = probe(output), probe(clip("rich.mkv"))
    assert [(track.kind, track.codec) for track in made.tracks] == [
        (track.kind, track.codec) for track in source.tracks
    ]
    assert made.chapters == 2
    assert made.picture.metadata["language"] == "deu"
    assert made.picture.metadata["title"] == "Main"
    with av.open(str(output)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
        assert (tags["title"], tags["artist"]) == ("A film", "Somebody")
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["One", "Two"]
        attached = next(stream for stream in container.streams if stream.type == "attachment")
        assert attached.metadata["filename"] == "font.ttf"
    assert not told


@pytest.mark.parametrize("endings", [(".mkv", ".mp4"), (".mp4", ".mkv"), (".mkv", ".mkv")])
def test_cover_pictures_go_along(clip, run, tmp_path, endings):
    source = clip("covered.mp4")
    for ending in endings:
        output, told = run(source, ending, overwrite=True)
        assert not told
        assert [track.codec for track in probe(output).of_kind("cover")] == ["png"]
        source = output.replace(tmp_path / f"next{ending}")


def test_what_mp4_does_not_take_is_converted_or_told(clip, run):
    output, told = run(clip("rich.mkv"), ".mp4")
    made = probe(output)
    assert [track.codec for track in made.of_kind("subtitle")] == ["mov_text", "mov_text"]
    assert [track.codec for track in made.of_kind("audio")] == ["aac", "flac"]
    assert made.chapters == 2
    assert [sentence.split()[0] for sentence in told] == ["subtitle", "subtitle", "attachment"]


@pytest.mark.parametrize(
    ("conversion", "encoder", "expected"),
    [
        ("vs.RGBS, matrix_in=6", "x264", "yuv420p"),
        ("vs.RGBS, matrix_in=6", "x265", "yuv420p10le"),
        ("vs.RGB24, matrix_in=6", "ffv1", "yuv444p"),
        ("vs.YUV420P16", "x265", "yuv420p10le"),
        ("vs.YUV444P16", "ffv1", "yuv444p16le"),
        ("vs.YUV422P10", "svt-av1", "yuv420p10le"),
        ("vs.YUV411P8", "x264", "yuv422p"),
        ("vs.GRAYS", "x264", "yuv420p"),
        ("vs.GRAY16", "ffv1", "gray16le"),
    ],
)
def test_formats_that_the_encoder_does_not_take_are_converted(clip, run, conversion, encoder, expected):
    source = clip("plain.mp4")
    output, _ = run(source, line=f"clip = clip.resize.Bicubic(format={conversion})", encoder=encoder)
    with av.open(str(output)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == expected
    with av.open(str(source)) as container:
        original = next(container.decode(video=0))
    assert np.abs(luma(frame) - luma(original)).mean() < 3


def test_clips_of_two_rates_joined(clip, run):
    output, _ = run(clip("plain.mp4"), line="clip = clip[:12] + clip[12:].std.AssumeFPS(fpsnum=12)")
    times = shown_at(output)
    expected = [Fraction(place, 24) for place in range(13)] + [Fraction(1, 2) + Fraction(n, 12) for n in range(1, 12)]
    assert max(abs(old - new) for old, new in zip(times, expected, strict=True)) < Fraction(1, 1000)


def test_output_of_another_rate_lasts_as_long(clip, run):
    output, told = run(clip("plain.mp4"), line="clip = core.std.Interleave([clip, clip])")
    times = shown_at(output)
    assert len(times) == 48
    assert times[-1] == pytest.approx(Fraction(47, 48), abs=0.002)
    assert told == ["the source holds 24 frames, the output 48"]


@pytest.mark.parametrize(("name", "part"), [("rich.mkv", 0.3), ("streamed.mp4", 0.5)])
def test_a_source_whose_end_is_missing(clip, run, tmp_path, name, part):
    whole = clip(name).read_bytes()
    cut = tmp_path / f"cut{clip(name).suffix}"
    cut.write_bytes(whole[: int(len(whole) * part)])
    output, told = run(cut, encoder="ffv1")
    assert 0 < len(shown_at(output)) < 24
    assert any("its end is missing" in sentence for sentence in told)


def test_a_failing_frame_leaves_nothing(clip, run, tmp_path):
    line = "def fail(n, f):\n    raise vs.Error('film: frame 7: boom')\n"
    line += "clip = clip[:7] + clip[7:].std.ModifyFrame(clip[7:], fail)"
    with pytest.raises(RunError, match="film: frame 7: boom"):
        run(clip("plain.mp4"), line=line)
    assert not list(tmp_path.iterdir())


def test_a_failing_encoder_leaves_nothing_and_says_why(clip, run, tmp_path):
    with pytest.raises(RunError, match=r"ffmpeg failed .* nonsense"):
        run(clip("plain.mp4"), ffmpeg_args=("-profile:v", "nonsense"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("raise vs.Error('film: grain=7; a number from 0 to 1 is accepted')", "film: grain=7"),
        ("clip = core.std.Splice([clip, clip.resize.Point(48, 32)], mismatch=True)", "variable size"),
        ("clip = core.std.Splice([clip, clip.resize.Point(format=vs.YUV444P8)], mismatch=True)", "variable format"),
        ("clip = clip.resize.Point(95, 63, format=vs.YUV444P8)", "odd size"),
        ("clip = (", "was never closed"),
    ],
)
def test_scripts_that_cannot_be_evaluated(clip, run, tmp_path, line, message):
    with pytest.raises(PipelineError, match=message):
        run(clip("plain.mp4"), line=line, encoder="svt-av1")
    assert not list(tmp_path.iterdir())


def test_fields_and_an_encoder_without_fields(clip, run, tmp_path):
    with pytest.raises(PipelineError, match="interlaced; deinterlace"):
        run(clip("fields.mkv"), encoder="x265")
    assert not list(tmp_path.iterdir())


def test_what_a_script_prints_does_not_reach_the_picture(clip, run):
    _, told = run(clip("plain.mp4"), line="print('loading')\ncore.log_message(vs.MESSAGE_TYPE_WARNING, 'film: beware')")
    assert told == ["film: beware"]


def test_an_existing_output_stays_when_the_run_fails(clip, run, tmp_path):
    kept = tmp_path / "restored.mkv"
    kept.write_text("precious")
    with pytest.raises(PipelineError, match="--overwrite"):
        run(clip("plain.mp4"))
    with pytest.raises(PipelineError, match="boom"):
        run(clip("plain.mp4"), line="raise vs.Error('boom')", overwrite=True)
    assert kept.read_text() == "precious"
    run(clip("plain.mp4"), overwrite=True)
    assert len(shown_at(kept)) == 24


def test_a_full_disk_is_told(clip, run, tmp_path):
    """Not every ffmpeg ends with an error then; what such a one made is kept."""
    with pytest.raises((PipelineError, RunError), match="disk is full"):
        run(clip("plain.mp4"), ffmpeg_args=("-f", "null", "/dev/null", "-f", "matroska", "/dev/full"))
    assert not (tmp_path / "restored.mkv").exists()
