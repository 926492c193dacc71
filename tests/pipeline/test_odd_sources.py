"""Sources that are damaged, cut by edit lists, mislabelled or of odd shapes."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.pipeline.measures import onset, shown_at
from vsrestore import ffmpeg
from vsrestore.pipeline import programs
from vsrestore.pipeline.errors import PipelineError, RunError
from vsrestore.pipeline.packets import read_packets
from vsrestore.pipeline.probe import probe
from vsrestore.pipeline.script import script_text
from vsrestore.pipeline.survey import clock, survey

TS_PACKET = 188
PICTURE_PID, SOUND_PID = 0x100, 0x101
# The tone begins after four seconds, behind all damage.
LONG = (
    *("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=5"),
    *("-f", "lavfi", "-i", "aevalsrc='if(lt(t,4),0,sin(2*PI*1000*t)*0.5)':d=5:s=48000"),
    *("-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "fast", "-g", "50", "-b:v", "600k", "-c:a", "aac"),
)


def make(path: Path, *options: str) -> Path:
    command = [ffmpeg.program(), "-v", "error", "-nostdin", "-y", *options, path.name]
    subprocess.run(command, cwd=path.parent, check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> bytes:
    """A transport stream of five seconds."""
    return make(tmp_path_factory.mktemp("capture") / "whole.ts", *LONG).read_bytes()


def ts_packets(stream: bytes) -> list[bytes]:
    return [stream[at : at + TS_PACKET] for at in range(0, len(stream), TS_PACKET)]


def pid(packet: bytes) -> int:
    return (packet[1] & 0x1F) << 8 | packet[2]


def with_lost_packets(stream: bytes, lost: int) -> bytes:
    packets = ts_packets(stream)
    middle = len(packets) * 2 // 5
    return b"".join(packets[:middle] + packets[middle + lost :])


def with_flipped_bytes(stream: bytes, wanted: int, packets: int) -> bytes:
    """Spoil packets of one kind in the middle half of a stream, behind their headers."""
    generator, parts = random.Random(3), [bytearray(packet) for packet in ts_packets(stream)]
    able = [part for part in parts[len(parts) // 4 : len(parts) * 3 // 4] if pid(part) == wanted]
    for part in generator.sample(able, packets):
        for at in generator.sample(range(30, TS_PACKET), 30):
            part[at] ^= 0xFF
    return b"".join(map(bytes, parts))


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda stream: with_lost_packets(stream, 3),
        lambda stream: with_lost_packets(stream, 120),
        lambda stream: with_flipped_bytes(stream, PICTURE_PID, 25),
        lambda stream: with_flipped_bytes(stream, SOUND_PID, 12),
    ],
    ids=["three packets lost", "many packets lost", "picture spoilt", "sound spoilt"],
)
def test_a_damaged_capture_is_restored_with_its_sound_in_step(capture, run, tmp_path, damage, ending):
    source = tmp_path / "damaged.ts"
    source.write_bytes(damage(capture))
    output, told = run(source, ending, filters=("scenes",))
    assert any("damaged at 0:00:0" in sentence for sentence in told)
    assert not [sentence for sentence in told if "later against the picture" in sentence]
    assert onset(output) == pytest.approx(4, abs=0.04)
    assert shown_at(output)[-1] == pytest.approx(Fraction(124, 25), abs=0.01)


def test_damage_that_shows_only_later_costs_a_second_start(capture, run, tmp_path, monkeypatch):
    """Here it comes when the index is made: then frames are not those of the index, as in several threads now and then.

    With damage there from the start, it depends on the machine and its load whether a frame comes out otherwise.
    """
    from vsrestore.pipeline import restore as module

    source, spoilt, openings = tmp_path / "damaged.ts", tmp_path / "spoilt.ts", []
    source.write_bytes(capture)
    spoilt.write_bytes(with_flipped_bytes(capture, PICTURE_PID, 25))

    def text(opening, calls):
        openings.append(opening)
        spoil = f"import shutil\nshutil.copyfile({str(spoilt)!r}, {str(source)!r})\n"
        return script_text(opening, calls) + ("" if opening.damaged else spoil)

    monkeypatch.setattr(module, "script_text", text)
    output, told = run(source, filters=("scenes",))
    assert any("No frame returned" in sentence for sentence in told)
    assert [opening.damaged for opening in openings] == [False, True]
    assert shown_at(output)[-1] == pytest.approx(Fraction(124, 25), abs=0.01)


def test_a_script_of_ones_own_is_told_how_to_open_a_damaged_source(capture, run, tmp_path):
    source = tmp_path / "damaged.ts"
    source.write_bytes(with_lost_packets(capture, 120))
    _, told = run(source)
    assert any("bs.VideoSource(source, threads=1)" in sentence for sentence in told)


def test_a_script_that_cannot_open_a_damaged_source_is_told_how(capture, run, tmp_path):
    source = tmp_path / "damaged.ts"
    source.write_bytes(with_flipped_bytes(capture, PICTURE_PID, 25))
    fail = "def fail(n, f):\n    raise vs.Error('VideoSource: No frame returned for frame number 7')\n"
    with pytest.raises(RunError, match=r"No frame returned .*; open it with bs\.VideoSource\(source, threads=1\)"):
        run(source, line=f"{fail}clip = clip.std.BlankClip().std.ModifyFrame(clip.std.BlankClip(), fail)")


@pytest.mark.parametrize(("failures", "threads"), [(1, [False, True]), (2, [False, True, False])])
def test_damage_that_shows_only_later_costs_further_starts(capture, run, tmp_path, monkeypatch, failures, threads):
    """The survey is kept from seeing it; how often BestSource fails is a matter of luck, and so it is said here.

    A picture that is not found again in one thread either is decoded once, into a file.
    """
    from vsrestore.pipeline import restore as module

    source, encode, tried = tmp_path / "damaged.ts", module.encode, []
    source.write_bytes(with_flipped_bytes(capture, PICTURE_PID, 25))

    def failing(task, *arguments):
        tried.append(task.script.read_text())
        if len(tried) <= failures:
            raise RunError("VideoSource: No frame returned for frame number 7")
        return encode(task, *arguments)

    monkeypatch.setattr(module, "encode", failing)
    monkeypatch.setattr(module, "survey", lambda media: replace(survey(media), damage={}))
    output, _ = run(source, filters=("scenes",))
    assert ["threads=1" in text for text in tried] == threads
    assert ["decoded.mkv" in text for text in tried] == [False, False, True][: len(tried)]
    assert onset(output) == pytest.approx(4, abs=0.04)
    assert shown_at(output)[-1] == pytest.approx(Fraction(124, 25), abs=0.01)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".mkv"] == [output.name]


def test_gaps_are_told_with_their_times(capture, tmp_path):
    source = tmp_path / "damaged.ts"
    source.write_bytes(with_lost_packets(capture, 120))
    media = probe(source)
    seen = survey(media)
    (gap,) = seen.damage[media.picture.index]
    assert 1.5 < gap.start < gap.end < 3
    times = seen.packets[media.picture.index].times()
    assert seen.frames <= len(times)
    assert clock(Fraction(3661)) == "1:01:01.00"


def test_whole_sources_are_not_called_damaged(clip, capture, tmp_path):
    whole = tmp_path / "whole.ts"
    whole.write_bytes(capture)
    for path in [whole, *(clip(name) for name in ("plain.mp4", "rich.mkv", "uneven.mp4", "late_picture.mkv"))]:
        assert survey(probe(path)).damage == {}


def test_one_frame_flagged_interlaced_is_told_and_restored(run, tmp_path):
    picture = "testsrc2=size=96x64:rate=25:duration=2"
    parts = []
    for name, options in {"a.ts": (), "b.ts": ("-vf", "setfield=tff", "-flags", "+ildct+ilme"), "c.ts": ()}.items():
        long = "0.04" if name == "b.ts" else "1.2"
        graph = ("-f", "lavfi", "-i", picture.replace("duration=2", f"duration={long}"))
        parts.append(make(tmp_path / name, *graph, "-c:v", "mpeg2video", "-q:v", "2", *options, "-f", "mpeg2video"))
    source = tmp_path / "joined.m2v"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    seen = survey(probe(source))
    assert (seen.frames, seen.interlaced, seen.fields) == (61, 1, False)
    output, told = run(source, filters=("scenes",))
    assert [sentence for sentence in told if "1 of 61 frames" in sentence]
    assert len(shown_at(output)) == 61


def test_fields_are_told_before_anything_is_rendered(clip, run, tmp_path):
    with pytest.raises(PipelineError, match="is interlaced; filters need whole frames"):
        run(clip("fields.mkv"), filters=("scenes",))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_sound_that_an_edit_list_cut_off_stays_off(clip, run, tmp_path, ending):
    graph = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=4")
    tone = ("-f", "lavfi", "-i", "aevalsrc='if(lt(t,2),0,sin(2*PI*1000*t)*0.5)':d=4:s=48000")
    whole = make(tmp_path / "whole.mp4", *graph, *tone, "-c:v", "libx264", "-g", "24", "-bf", "0", "-c:a", "aac")
    source = make(tmp_path / "trimmed.mp4", "-ss", "1.5", "-i", whole.name, "-c", "copy")
    output, told = run(source, ending)
    media, packets = probe(output), read_packets(output)
    assert onset(source) == pytest.approx(0.5, abs=0.002)
    assert onset(output) == pytest.approx(0.5, abs=0.002)
    assert not told
    assert media.picture.start < Fraction(1, 20)
    assert packets[media.of_kind("audio")[0].index].span() < Fraction(26, 10)


def test_what_an_odd_size_loses_is_told(run, tmp_path):
    source = make(
        tmp_path / "odd.mkv",
        *("-f", "lavfi", "-i", "testsrc=size=37x53:rate=24:duration=0.3", "-c:v", "ffv1", "-pix_fmt", "yuv420p"),
    )
    output, told = run(source)
    assert "the picture is 37x53; VapourSynth holds it as 36x52" in told
    assert probe(output).picture.width == 36


def test_an_alpha_channel_that_is_left_out_is_told(run, tmp_path):
    graph = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=0.3")
    source = make(tmp_path / "alpha.mkv", *graph, "-pix_fmt", "yuva444p", "-c:v", "ffv1")
    _, told = run(source)
    assert told == ["the picture has an alpha channel; it is not passed on"]


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_the_shape_that_the_container_tells_holds(run, tmp_path, ending):
    graph = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=0.3,setsar=16/15")
    coded = make(tmp_path / "coded.mkv", *graph, "-c:v", "libx264")
    source = make(
        tmp_path / "shaped.mkv", "-i", coded.name, "-c", "copy", "-aspect", str(Fraction(96, 64) * Fraction(32, 27))
    )
    assert probe(source).picture.sar == Fraction(32, 27)
    output, _ = run(source, ending)
    assert probe(output).picture.sar == Fraction(32, 27)
    wider, _ = run(source, ending, "clip = clip.std.SetFrameProps(_SARNum=2, _SARDen=1)", overwrite=True)
    assert probe(wider).picture.sar == 2


def test_no_subtitles_become_the_default_by_themselves(clip, run, tmp_path):
    source = make(tmp_path / "unflagged.mkv", "-i", str(clip("rich.mkv")), "-map", "0", "-c", "copy",
                  "-default_mode", "passthrough", "-disposition", "0")  # fmt: skip
    output, _ = run(source)
    with av.open(str(output)) as container:
        flags = {stream.type: int(stream.disposition) for stream in container.streams if stream.type != "attachment"}
    assert flags["subtitle"] == 0
    assert flags["audio"] == 0
    assert flags["video"] == 1


def test_raw_pictures_without_times_are_counted(run, tmp_path):
    graph = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=1")
    source = make(tmp_path / "raw.h264", *graph, "-c:v", "libx264", "-f", "h264")
    output, told = run(source)
    assert told == []
    assert len(shown_at(output)) == 24


def test_a_size_that_an_encoder_does_not_take_is_told(clip, run, tmp_path):
    line = "clip = clip.resize.Point(1, 64, format=vs.YUV444P8)"
    with pytest.raises(PipelineError, match="--encoder ffv1: does not take a picture of 1x64; choose another encoder"):
        run(clip("plain.mp4"), line=line, encoder="ffv1")
    assert not list(tmp_path.iterdir())


def test_sound_of_unnamed_channels_goes_into_mp4(run, tmp_path):
    graphs = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=0.5", "-f", "lavfi", "-i", "sine=duration=0.5")
    source = make(tmp_path / "unnamed.mkv", *graphs, "-c:v", "libx264", "-c:a", "tta")
    output, told = run(source, ".mp4")
    assert told[0] == "audio stream 1: mp4 does not take tta; encoded as aac"
    assert probe(output).of_kind("audio")[0].codec == "aac"


def test_pictures_in_rgb_are_not_called_changed(run, tmp_path):
    graph = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=0.3")
    source = make(tmp_path / "rgb.mkv", *graph, "-pix_fmt", "gbrp", "-c:v", "ffv1")
    _, told = run(source)
    assert told == []


@pytest.mark.parametrize("form", ["yuv410p", "yuv440p", "yuv411p", "yuv440p10le"])
def test_chroma_that_y4m_does_not_carry_is_converted(run, tmp_path, form):
    graph = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24:duration=0.3")
    source = make(tmp_path / "chroma.mkv", *graph, "-pix_fmt", form, "-c:v", "ffv1")
    output, told = run(source, encoder="ffv1")
    assert told == []
    with av.open(str(output)) as made, av.open(str(source)) as given:
        new, old = (next(one.decode(video=0)).to_ndarray(format="rgb24").astype(int) for one in (made, given))
    assert np.abs(new - old).mean() < 10


class Calls:
    """A port of this machine that counts who calls."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def came(self) -> bool:
        try:
            self.socket.accept()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def calls():
    listening = Calls()
    yield listening
    listening.socket.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no colon in names")
@pytest.mark.parametrize(
    "name", ["12:30.mp4", "http:127.0.0.1:{port}", "concat:a|b.mp4", "-y.mp4", "%03d.mp4", "a\x1bb.mp4"]
)
def test_a_name_of_a_file_is_never_an_address(clip, run, tmp_path, monkeypatch, calls, name):
    monkeypatch.chdir(tmp_path)
    source = Path(name.format(port=calls.port))
    source.write_bytes(clip("plain.mp4").read_bytes())
    assert probe(source).picture.frames == 24
    assert len(read_packets(source)[0].ticks) == 24
    output, told = run(source)
    assert told == []
    assert onset(output) == pytest.approx(onset(clip("plain.mp4")), abs=0.002)
    assert not calls.came()


def test_a_playlist_cannot_call_anybody(tmp_path, calls):
    """Neither PyAV nor ffmpeg follows a file of this machine into the network."""
    playlist = tmp_path / "film.m3u8"
    address = f"http://127.0.0.1:{calls.port}/a.ts"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n")
    with pytest.raises(PipelineError):
        probe(playlist)
    programs.file_start(playlist)
    assert not calls.came()
