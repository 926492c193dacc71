from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise

import pytest

from vsrestore.pipeline.timestamps import delay_options, fitting_time_base, is_constant, read_durations, retimed_stamps

FILM = Fraction(24000, 1001)


def test_no_reordering_decodes_when_shown():
    assert retimed_stamps([0, 1, 2], [0, 10, 30]) == [(0, 0), (10, 10), (30, 30)]


@pytest.mark.parametrize("order", [[0, 2, 1, 4, 3], [0, 4, 2, 1, 3], [0, 3, 1, 2, 4], [0]])
def test_decoding_times_rise_and_never_follow_the_showing(order):
    starts = [0, 10, 30, 33, 60]
    stamps = retimed_stamps(order, starts[: len(order)])
    assert [pts for pts, _ in stamps] == [starts[place] for place in order]
    assert all(dts <= pts for pts, dts in stamps)
    decoded = [dts for _, dts in stamps]
    assert decoded == sorted(set(decoded))


def test_whole_milliseconds_are_a_constant_rate():
    starts = [round(number * 1000 / FILM) for number in range(500)]
    durations = [Fraction(later - earlier, 1000) for earlier, later in pairwise(starts)]
    assert is_constant(durations, FILM)
    assert not is_constant([Fraction(1, 24)] * 500, FILM)
    assert not is_constant(durations, Fraction(0))


def test_a_frame_without_duration_lasts_as_long_as_most(tmp_path):
    file = tmp_path / "frames.json"
    rows = [{"_DurationNum": ticks, "_DurationDen": 100} for ticks in (4, 4, 90)]
    for written, expected in (([*rows, {"_Matrix": 1}], [4, 4, 90, 4]), ([{}, *rows], [4, 4, 4, 90]), ([{}], [4])):
        file.write_text("[\n" + ",\n".join("\t" + json.dumps(row) for row in written) + "\n]\n")
        assert read_durations(file, Fraction(25)) == [Fraction(ticks, 100) for ticks in expected]


def test_delay_is_kept_to_a_part_of_a_frame():
    chain, options = delay_options(Fraction(31, 100), Fraction(24))
    assert chain == "settb=1/768,setpts=PTS+238,"
    assert options == ["-enc_time_base:v:0", "1:768", "-fps_mode:v:0", "passthrough"]
    assert delay_options(Fraction(0), Fraction(24)) == ("", [])


def test_time_base_of_the_source_is_kept_when_fine():
    assert fitting_time_base(Fraction(1, 30000)) == Fraction(1, 30000)
    assert fitting_time_base(Fraction(1, 1000)) == Fraction(1, 90000)
