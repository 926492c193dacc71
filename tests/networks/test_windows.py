"""Border rules, as published (EDVR's four, and black frames), and where a sequence is too short for them."""

from __future__ import annotations

import pytest

from vsrestore.networks.absent_frames import ABSENT, BLACK
from vsrestore.networks.traits import BORDERS
from vsrestore.networks.windows import RULES, reach, window


@pytest.mark.parametrize(
    ("border", "centre", "expected"),
    [
        ("repeat", 0, [0, 0, 0, 1, 2]),
        ("reflect", 0, [2, 1, 0, 1, 2]),
        ("reflect_circle", 0, [4, 3, 0, 1, 2]),
        ("circle", 0, [3, 4, 0, 1, 2]),
        ("reflect_circle", 1, [4, 0, 1, 2, 3]),
        ("reflect_circle", 4, [2, 3, 4, 5, 1]),
        ("reflect_circle", 5, [3, 4, 5, 2, 1]),
        ("repeat", 5, [3, 4, 5, 5, 5]),
        ("reflect", 5, [3, 4, 5, 4, 3]),
        ("circle", 5, [3, 4, 5, 1, 2]),
        ("black", 0, [BLACK, BLACK, 0, 1, 2]),
        ("black", 4, [2, 3, 4, 5, BLACK]),
        ("black", 5, [3, 4, 5, BLACK, BLACK]),
        ("black_short", 0, [BLACK, BLACK, 0, 1, 2]),
        ("black_short", 1, [BLACK, 0, 1, 2, 3]),
        ("black_short", 3, [1, 2, 3, 4, 5]),
        ("black_short", 4, [2, 3, 4, 5, ABSENT]),
        ("black_short", 5, [3, 4, 5, BLACK, ABSENT]),
    ],
)
def test_rules_in_a_clip_of_six(border: str, centre: int, expected: list[int]) -> None:
    assert window(centre, 6, 2, 2, border) == expected


def test_at_both_ends_of_a_short_sequence_frames_are_black() -> None:
    assert window(0, 1, 2, 2, "black") == [BLACK, BLACK, 0, BLACK, BLACK]
    assert window(0, 1, 2, 2, "black_short") == [BLACK, BLACK, 0, BLACK, ABSENT]
    assert window(0, 2, 2, 2, "black_short") == [BLACK, BLACK, 0, 1, ABSENT]


@pytest.mark.parametrize("border", RULES)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 9])
def test_windows_stay_within_reach(border: str, length: int) -> None:
    before, after = reach(2, 1, border)
    for centre in range(length):
        positions = [position for position in window(centre, length, 2, 1, border) if position >= 0]
        assert centre - before <= min(positions)
        assert max(positions) <= centre + after


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_sequences_stay_inside(border: str, length: int) -> None:
    for centre in range(length):
        found = window(centre, length, 2, 2, border)
        assert found[2] == centre
        assert all(0 <= position < length for position in found)
