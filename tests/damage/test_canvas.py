from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import Canvas, View, box_around, view_of


def test_a_whole_frame_is_its_own_view():
    assert view_of(480, 640, None, 3) == View(480, 640, 0, 0, 480, 640)
    assert view_of(480, 640, 600, 3) == View(480, 640, 0, 0, 480, 640)


def test_pieces_lie_inside_the_frame_and_reach_its_corners():
    views = [view_of(128, 128, 512, seed) for seed in range(300)]
    for view in views:
        assert 0 <= view.top <= view.frame_height - view.height
        assert 0 <= view.left <= view.frame_width - view.width
    assert {view.frame_height for view in views} == {384}
    assert {(view.top, view.left) for view in views} >= {(0, 0), (0, 384), (256, 0), (256, 384)}


@pytest.mark.parametrize(("y", "x"), [((-9, -2), (0, 5)), ((3, 5), (64, 70)), ((48, 50), (0, 5))])
def test_a_box_outside_the_view_is_none(y, x):
    assert box_around(View(48, 64, 0, 0, 48, 64), y, x) is None


def test_a_box_is_cut_at_the_view_and_keeps_frame_coordinates():
    box = box_around(View(48, 64, 10, 20, 200, 300), (5.5, 12.2), (80.1, 99))
    assert (box.rows, box.columns) == (slice(0, 4), slice(60, 64))
    assert box.ys.tolist() == [10, 11, 12, 13]
    assert box.xs.tolist() == [80, 81, 82, 83]


def test_marks_on_a_neutral_canvas_have_no_colour():
    view = View(8, 8, 0, 0, 8, 8)
    canvas = Canvas(np.full((8, 8, 3), 0.5, np.float32), np.zeros((8, 8), np.float32), view, neutral=True)
    box, alpha = box_around(view, (2, 4), (2, 4)), np.full((3, 3), 0.5, np.float32)
    canvas.blend(box, alpha, np.float32([0.0, 0.3, 0.9]))
    canvas.multiply(box, alpha, np.float32([0.1, -0.5, 0.3]))
    canvas.add(box, alpha * 0.1, np.float32([1, 0, 0.1]))
    assert np.ptp(canvas.image, axis=-1).max() == 0
    assert np.array_equal(canvas.mask > 0, np.any(canvas.image != 0.5, axis=-1))
