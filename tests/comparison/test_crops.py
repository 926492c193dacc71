from __future__ import annotations

import numpy as np
import pytest

from vsrestore.comparison.crops import CROP_HEIGHT, CROP_WIDTH, WorstCrops, crop_size, worst_place


@pytest.fixture
def frame():
    return np.random.default_rng(1).integers(40, 200, (240, 400, 3), dtype=np.uint8)


@pytest.mark.parametrize("spot", [(0, 0), (100, 300), (115, 190), (230, 390)])
def test_the_crop_holds_what_differs(frame, spot):
    other = frame.copy()
    other[spot[0] : spot[0] + 10, spot[1] : spot[1] + 10] = 255
    top, left, difference = worst_place(frame, other)
    assert difference > 0
    assert 0 <= top <= spot[0] < spot[0] + 10 <= top + CROP_HEIGHT <= 240
    assert 0 <= left <= spot[1] < spot[1] + 10 <= left + CROP_WIDTH <= 400


def test_what_differs_lies_in_the_middle(frame):
    other = frame.copy()
    other[115:125, 195:205] = 255
    top, left, _ = worst_place(frame, other)
    assert abs(top + CROP_HEIGHT / 2 - 120) <= 2
    assert abs(left + CROP_WIDTH / 2 - 200) <= 2


def test_the_larger_difference_counts():
    one = np.zeros((240, 700, 3), np.uint8)
    other = one.copy()
    other[100:110, 100:110], other[100:110, 600:610] = 60, 90
    assert worst_place(one, other).left > 300


@pytest.mark.parametrize("size", [(30, 40), (1, 1), (193, 257), (500, 20)])
def test_a_crop_is_no_larger_than_the_frame(size):
    one = np.zeros((*size, 3), np.uint8)
    other = one.copy()
    other[-1, -1] = 9
    top, left, _ = worst_place(one, other)
    height, width = crop_size(*size)
    assert top + height <= size[0]
    assert left + width <= size[1]


def test_each_stretch_has_its_worst_crop():
    clean = np.zeros((64, 96, 3), np.uint8)
    worst = WorstCrops(10, 2)
    for number in range(10):
        spotted = clean.copy()
        spotted[30:34, 40:44] = {1: 80, 3: 200, 4: 10, 8: 90}.get(number, 20)
        worst.see(number, "before", "after", {"before": spotted, "after": clean, "truth": clean})
    crops = worst.crops()
    assert [crop.frame for crop in crops] == [3, 8]
    assert [list(crop.pictures) for crop in crops] == [["before", "after", "truth"]] * 2
    assert crops[0].pictures["before"].max() == 200


def test_equal_clips_have_no_crop():
    clean = np.zeros((64, 96, 3), np.uint8)
    worst = WorstCrops(1, 6)
    worst.see(0, "before", "after", {"before": clean, "after": clean})
    assert worst.crops() == []
