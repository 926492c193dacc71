"""Border rules, as published (EDVR's four rules) and where a sequence is too short for them."""

from __future__ import annotations

import pytest

from vsrestore.networks.absent_frames import BLACK
from vsrestore.networks.windows import window


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
        ("black", 0, [BLACK, BLACK, 0, 1, 2]),
        ("black", 5, [3, 4, 5, BLACK, BLACK]),
        ("reflect", 5, [3, 4, 5, 4, 3]),
        ("circle", 5, [3, 4, 5, 1, 2]),
    ],
)
def test_rules_in_a_clip_of_six(border: str, centre: int, expected: list[int]) -> None:
    assert window(centre, 6, 2, 2, border) == expected


@pytest.mark.parametrize("border", ["repeat", "reflect", "reflect_circle", "circle"])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_sequences_stay_inside(border: str, length: int) -> None:
    for centre in range(length):
        found = window(centre, length, 2, 2, border)
        assert found[2] == centre
        assert all(0 <= position < length for position in found)
