"""A job in segments: cut, rendered, resumed, joined."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter, namedtuple
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.pipeline.measures import assert_times, pictures, shown_at
from vsrestore.pipeline.containers import CONTAINERS
from vsrestore.pipeline.errors import OtherJobError, PipelineError, RunError
from vsrestore.pipeline.script import parse_filter
from vsrestore.pipeline.segments.claim import held
from vsrestore.pipeline.segments.cuts import cut, grid_of
from vsrestore.pipeline.segments.render import Watch, render_segments

QUARTER = 0.25  # seconds
PAIRS = [(name, ending) for ending, row in CONTAINERS.items() if ending != ".m4v" for name in sorted(row.encoders)]
IN_BAND = {"x264": {7, 8}, "x265": {32, 33, 34}}


class Counted:
    """A script that notes each frame it renders, and fails at one while it is told to."""

    def __init__(self, folder: Path) -> None:
        self.notes, self.flag = folder / "frames", folder / "fail"
        self.notes.touch()
        self.line = (
            f"import os, time\ndef noted(n, f):\n    open({str(self.notes)!r}, 'a').write(f'{{n}} ')\n"
            f"    if n == 15 and os.path.exists({str(self.flag)!r}): time.sleep(1); raise vs.Error('boom')\n"
            "    return f\n"
            "clip = clip.std.ModifyFrame(clip, noted)"
        )

    def taken(self) -> Counter[int]:
        """How often each frame was rendered since the last time."""
        counts = Counter(map(int, self.notes.read_text().split()))
        self.notes.write_text("")
        return counts


@pytest.fixture
def counted(tmp_path_factory) -> Counted:
    return Counted(tmp_path_factory.mktemp("notes"))


@pytest.mark.parametrize(
    ("frames", "seconds", "grid", "expected"),
    [
        (range(100), 1, 1, [(0, 25), (25, 50), (50, 75), (75, 100)]),
        (range(87), 1, 1, [(0, 25), (25, 50), (50, 87)]),
        (range(88), 1, 1, [(0, 25), (25, 50), (50, 75), (75, 88)]),
        (range(60), 1, 8, [(0, 24), (24, 60)]),
        (range(61), 1, 8, [(0, 24), (24, 48), (48, 61)]),
        (range(10, 60), 1, 8, [(10, 32), (32, 60)]),
        (range(60), 1, 30, [(0, 25), (25, 60)]),
        (range(5), 60, 1, [(0, 5)]),
        (range(5), 0, 1, [(0, 5)]),
    ],
)
def test_cuts(frames, seconds, grid, expected):
    made = cut(frames, Fraction(25), seconds, grid)
    assert [segment.number for segment in made] == list(range(len(made)))
    assert [(segment.first, segment.end) for segment in made] == expected


def test_cuts_lie_where_chunks_of_all_filters_begin():
    assert grid_of([parse_filter("scenes")]) == 1
    assert grid_of([parse_filter("film"), parse_filter("basicvsrpp(chunk=6)")]) == 12


@pytest.mark.parametrize(("encoder", "ending"), PAIRS)
@pytest.mark.parametrize("name", ["plain.mp4", "uneven.mp4"])
def test_joined_segments_are_one_stream(clip, run, name, encoder, ending):
    """Every frame once, at its time, decodable from each cut on; nothing that players trip over at the cuts."""
    source = clip(name)
    output, told = run(source, ending, encoder=encoder, segment=QUARTER)
    assert told == [note for note in told if "audio stream" in note]
    assert len(pictures(output)) == len(pictures(source))
    assert_times(source, output)
    with av.open(str(output)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        keys = sorted(packet.pts * packet.time_base for packet in packets if packet.is_keyframe)
        decoded = [packet.dts for packet in packets if packet.dts is not None]
    assert all(earlier < later for earlier, later in pairwise(decoded))
    times = shown_at(output)
    for place in range(0, len(times) - 3, 6):
        assert any(abs(key - keys[0] - times[place]) < Fraction(1, 500) for key in keys), place
    kinds = IN_BAND.get(encoder, set())
    assert not kinds & {kind for packet in packets[1:] for kind in units(bytes(packet), encoder)}


def units(packet: bytes, encoder: str) -> set[int]:
    """The kinds of a packet's units, each of which has its length before it."""
    kinds, at = set(), 0
    while encoder in IN_BAND and at + 4 < len(packet):
        kinds.add(packet[at + 4] & 31 if encoder == "x264" else packet[at + 4] >> 1 & 63)
        at += 4 + int.from_bytes(packet[at : at + 4], "big")
    return kinds


@pytest.mark.parametrize("name", ["late_picture.mkv"])
def test_a_failed_run_goes_on_where_it_was(clip, run, counted, name):
    """No frame of a finished segment is rendered again, and the file is that of a run that nothing disturbed."""
    wishes = {"line": counted.line, "segment": QUARTER, "overwrite": True}
    whole = run(clip(name), **wishes)[0].read_bytes()
    assert set(counted.taken().values()) == {1}
    counted.flag.touch()
    with pytest.raises(RunError, match=r"boom; [12] of 4 segments are finished in .*\.vsrestore, and the same command"):
        run(clip(name), **wishes)
    counted.taken()
    counted.flag.unlink()
    output, told = run(clip(name), **wishes)
    assert any(note.startswith("going on in") for note in told)
    assert min(counted.taken()) >= 6
    assert frames_and_sound(output) == frames_and_sound_of(whole, output)


def test_another_job_is_never_mixed_in(clip, run, counted, tmp_path):
    wishes = {"line": counted.line, "segment": QUARTER}
    counted.flag.touch()
    with pytest.raises(RunError, match="boom"):
        run(clip("plain.mp4"), **wishes)
    for other in ({"crf": 20.0}, {"encoder": "x265"}):
        with pytest.raises(OtherJobError, match=r"holds another job \(the encoder: was x264.*--restart"):
            run(clip("plain.mp4"), **{**wishes, **other})
    with pytest.raises(OtherJobError, match=r"holds another job \(the source: was .*plain.mp4.*, is .*film.mkv"):
        run(clip("film.mkv"), **wishes)
    counted.flag.unlink()
    counted.taken()
    output, _ = run(clip("plain.mp4"), **wishes, crf=20.0, restart=True)
    assert set(counted.taken().values()) == {1}
    assert len(pictures(output)) == 24
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def test_a_source_that_has_changed_is_another(clip, run, counted, tmp_path):
    source = tmp_path / "source.mp4"
    shutil.copyfile(clip("plain.mp4"), source)
    counted.flag.touch()
    with pytest.raises(RunError, match="boom"):
        run(source, line=counted.line, segment=QUARTER)
    changed = bytearray(source.read_bytes())
    changed[-1] ^= 1
    state = source.stat()
    source.write_bytes(changed)
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(OtherJobError, match=r"holds another job \(the source"):
        run(source, line=counted.line, segment=QUARTER)


def test_a_folder_that_is_no_jobs_is_left_alone(clip, run, tmp_path):
    letter = tmp_path / "restored.mkv.vsrestore" / "letter.txt"
    letter.parent.mkdir()
    (letter.parent / "lock").touch()
    letter.write_text("precious")
    with pytest.raises(PipelineError, match="is no job folder"):
        run(clip("plain.mp4"))
    assert letter.read_text() == "precious"
    run(clip("plain.mp4"), folder=tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_job_folder_has_one_run_at_a_time(clip, run, tmp_path):
    """Whatever its output is called."""
    folder = tmp_path / "elsewhere"
    with held(tmp_path / "other.mkv", folder), pytest.raises(PipelineError, match=r"another run is .*elsewhere.*wait"):
        run(clip("plain.mp4"), folder=folder)
    run(clip("plain.mp4"), folder=folder)


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"half"), lambda path: path.unlink()])
def test_a_segment_that_is_not_what_was_written_is_rendered_again(clip, run, counted, tmp_path, spoil):
    wishes = {"line": counted.line, "segment": QUARTER}
    counted.flag.touch()
    with pytest.raises(RunError, match="boom"):
        run(clip("plain.mp4"), **wishes)
    counted.flag.unlink()
    counted.taken()
    spoil(tmp_path / "restored.mkv.vsrestore" / "segments" / "000000.mkv")
    output, _ = run(clip("plain.mp4"), **wishes)
    assert 0 in counted.taken()
    assert len(pictures(output)) == 24


def test_any_process_renders_any_segment(clip, run, counted, tmp_path, monkeypatch):
    """What a machine far away is asked for; asked twice, it does nothing."""
    from vsrestore.pipeline import restore as module

    wishes = {"line": counted.line, "segment": QUARTER, "encoder": "ffv1"}
    whole = pictures(run(clip("uneven.mp4"), **wishes)[0])
    counted.taken()

    def rendered(task, cut, tell, count):
        known = module.look(task, cut, tell, count)
        assert set(counted.taken()) <= set(range(40))
        for segment in (*reversed(known.segments), known.segments[0]):
            render_segments(task.work, range(segment.number, segment.number + 1), Watch(tell))
        return known

    monkeypatch.setattr(module, "encode", rendered)
    output, _ = run(clip("uneven.mp4"), **wishes, overwrite=True)
    assert set(counted.taken().values()) == {1}
    assert np.array_equal(pictures(output), whole)
    assert_times(clip("uneven.mp4"), output)


def test_there_must_be_such_a_segment(tmp_path):
    with pytest.raises(PipelineError, match="holds no job"):
        render_segments(tmp_path, range(1), Watch(print))


def frames_and_sound(path: Path) -> str:
    """A hash of all that a decoder gives, with the times."""
    digest = hashlib.sha256()
    with av.open(str(path)) as container:
        for frame in container.decode():
            digest.update(f"{frame.pts} {frame.time_base}".encode() + frame.to_ndarray().tobytes())
    return digest.hexdigest()


def frames_and_sound_of(content: bytes, beside: Path) -> str:
    path = beside.with_name(f"copy{beside.suffix}")
    path.write_bytes(content)
    try:
        return frames_and_sound(path)
    finally:
        path.unlink()


def test_too_little_space_to_join_keeps_the_segments(clip, run, counted, tmp_path, monkeypatch):
    """With room again the same command goes on there."""
    usage = namedtuple("usage", "total used free")
    told = []
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 100))
        with pytest.raises(RunError, match=r"0\.0 MB are free; 3 of 3 segments are finished in .*mkv\.vsrestore"):
            run(clip("uneven.mp4"), line=counted.line, told=told, segment=QUARTER)
    assert told[0] == "to join the segments the disk must hold the output twice, and 0 MB are free"
    output, told = run(clip("uneven.mp4"), line=counted.line, segment=QUARTER)
    assert any("going on in" in note for note in told)
    assert set(counted.taken().values()) == {1}
    assert_times(clip("uneven.mp4"), output)
    assert not (tmp_path / "restored.mkv.vsrestore").exists()
