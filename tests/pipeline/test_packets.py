from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from vsrestore.pipeline import packets as module
from vsrestore.pipeline.packets import loss, read_packets
from vsrestore.pipeline.probe import probe


def test_times_that_go_on_are_made_once(clip, monkeypatch):
    """They take a while where a film has hundreds of thousands of packets."""
    known, made = module.continued, []
    monkeypatch.setattr(module, "continued", lambda *given, **named: made.append(1) or known(*given, **named))
    packets = read_packets(clip("plain.mp4"))[0]
    assert packets.times()[-1] < packets.end * packets.base == packets.span() + packets.times()[0]
    assert len(made) == 1


def test_times_are_those_of_the_frames(clip):
    picture = read_packets(clip("uneven.mp4"))[0]
    gaps = {round((later - earlier) * 24) for earlier, later in pairwise(picture.times())}
    assert gaps == {1, 2}
    assert picture.first() == 0
    assert picture.count == len(picture.times())


@pytest.mark.parametrize("name", ["plain.mp4", "film.mkv"])
def test_span_counts_the_last_frame(clip, name):
    assert read_packets(clip(name))[0].span() == pytest.approx(Fraction(1), abs=0.002)


@pytest.mark.parametrize("name", ["plain.mp4", "rich.mkv", "late_picture.mkv", "uneven.mp4", "gray.mkv"])
def test_whole_files_lack_nothing(clip, name):
    assert loss(probe(clip(name)), read_packets(clip(name))) is None


@pytest.mark.parametrize(("name", "part"), [("rich.mkv", 0.3), ("streamed.mp4", 0.5)])
def test_a_missing_end_is_seen(clip, tmp_path, name, part):
    whole = clip(name).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(whole[: int(len(whole) * part)])
    assert "its end is missing" in str(loss(probe(cut), read_packets(cut)))
