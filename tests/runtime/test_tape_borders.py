"""Windows of analogue tape networks at both ends of a shot, by the three rules."""

from __future__ import annotations

import pytest

from vsrestore.networks.absent_frames import ABSENT, BLACK
from vsrestore.runtime.tape_borders import tape_window


@pytest.mark.parametrize(
    ("border", "centre", "expected"),
    [
        ("published", 0, [BLACK, BLACK, 0, 1, 2]),
        ("published", 1, [BLACK, 0, 1, 2, 3]),
        ("published", 3, [1, 2, 3, 4, 5]),
        ("published", 4, [2, 3, 4, 5, ABSENT]),
        ("published", 5, [3, 4, 5, BLACK, ABSENT]),
        ("black", 0, [BLACK, BLACK, 0, 1, 2]),
        ("black", 4, [2, 3, 4, 5, BLACK]),
        ("black", 5, [3, 4, 5, BLACK, BLACK]),
        ("mirror", 0, [2, 1, 0, 1, 2]),
        ("mirror", 5, [3, 4, 5, 4, 3]),
    ],
)
def test_rules_in_a_shot_of_six(border: str, centre: int, expected: list[int]) -> None:
    assert tape_window(centre, 6, border) == expected


def test_in_a_short_shot_both_ends_count() -> None:
    assert tape_window(0, 1) == [BLACK, BLACK, 0, BLACK, ABSENT]
    assert tape_window(0, 2) == [BLACK, BLACK, 0, 1, ABSENT]
    assert tape_window(0, 1, "mirror") == [0] * 5
