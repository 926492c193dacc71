from __future__ import annotations

from fractions import Fraction

import pytest

from vsrestore.pipeline.continued import continued
from vsrestore.pipeline.damaged import NO_TIME, _filled


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 40, 80, 120], [0, 40, 80, 120]),
        ([120, 40, 80, 160], [120, 40, 80, 160]),  # B-frames
        ([5000, 5040, 0, 40, 80], [5000, 5040, 5080, 5120, 5160]),
        ([5000, 5040, 5000, 5040, 0, 40], [5000, 5040, 5000, 5040, 5080, 5120]),
        ([9000, 9040, 0, 40, 5000, 5040, 0, 40], [9000, 9040, 9080, 9120, 14080, 14120, 14160, 14200]),
        ([0, 40, 2000, 80, 120, 2040], [0, 40, 2000, 80, 120, 2040]),  # late, behind a gap
        ([0, 90_000], [0, 90_000]),  # what is missing is missing
    ],
)
def test_times_that_begin_anew_go_on(times, expected):
    assert continued(times, Fraction(1, 1000)) == expected


def test_a_clock_that_leaps_goes_on_where_it_may():
    base, times = Fraction(1, 1000), [0, 40, 80, *range(90_000, 90_800, 40), 1000, 1040]
    assert continued(times, base, leaps=True) == [*range(0, 1000, 40)]
    assert continued([0, 40, 9000, 9040], base, leaps=True) == [0, 40, 9000, 9040]  # a gap that stays
    assert continued([0, 90_000, *range(40, 800, 40)], base, leaps=True) == [0, 90_000, *range(40, 800, 40)]


def test_the_sound_says_how_long_a_picture_stands_at_a_joint():
    base, times = Fraction(1, 1000), [0, 40, 80, 90_000, 90_040]
    assert continued(times, base, leaps=True, offsets=[Fraction(-89_500, 1000)]) == [0, 40, 80, 500, 540]
    assert continued(times, base, leaps=True, offsets=[Fraction(1), Fraction(2)]) == [0, 40, 80, 120, 160]


def test_lost_times_are_put_in():
    times = [NO_TIME, NO_TIME, 80, 120, NO_TIME, 200]
    base = Fraction(1, 1000)
    assert _filled([time + 5000 if time != NO_TIME else time for time in times], base) == [
        5000, 5040, 5080, 5120, 5160, 5200,
    ]  # fmt: skip
    assert _filled([NO_TIME, NO_TIME], base) == [0, 1]
    assert _filled([], base) == []
