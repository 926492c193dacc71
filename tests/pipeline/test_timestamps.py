from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise

import pytest

from vsrestore.pipeline.timestamps import FrameTimes, filled, fitting_time_base, is_constant, retimed_stamps

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


def rows_of(*rows: dict) -> str:
    return "[\n" + ",\n".join("\t" + json.dumps(row) for row in rows) + "\n]\n"


def test_durations_are_read_as_vspipe_writes_them(tmp_path):
    file = tmp_path / "frames.json"
    times = FrameTimes(file)
    assert times.take(1) is None
    text, taken = rows_of(*({"_DurationNum": ticks, "_DurationDen": 100} for ticks in (4, 5)), {"_Matrix": 1}), []
    for end in range(0, len(text) + 1, 7):
        file.write_text(text[:end])
        taken += times.take(1) or []
    file.write_text(text)
    assert [*taken, *(times.take(1) or ())] == [Fraction(4, 100), Fraction(5, 100), None]
    assert times.take(1) is None


def test_a_frame_without_duration_lasts_as_long_as_most():
    long, most, none = Fraction(90, 100), Fraction(4, 100), None
    assert filled([most, most, long, none], Fraction(25)) == [most, most, long, most]
    assert filled([none], Fraction(25)) == [most]
    assert filled([none], Fraction(0)) == [0]


def test_time_base_of_the_source_is_kept_when_fine():
    assert fitting_time_base(Fraction(1, 30000)) == Fraction(1, 30000)
    assert fitting_time_base(Fraction(1, 1000)) == Fraction(1, 90000)
