from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.lines import (
    above,
    filter_lines,
    line_noise,
    shift_lines,
    streaks,
    tail,
    to_rgb,
    to_yuv,
    wrap_lines,
)

from .pictures import noise, smooth


def test_yuv_of_the_primaries():
    """From the definition: red has Y 0.299, U -0.147, V 0.615."""
    np.testing.assert_allclose(to_yuv(np.array([1, 0, 0], np.float32)), [0.299, -0.147108, 0.614777], atol=1e-6)
    np.testing.assert_allclose(to_yuv(np.array([0.4, 0.4, 0.4], np.float32)), [0.4, 0, 0], atol=1e-6)
    np.testing.assert_allclose(to_rgb(to_yuv(noise())), noise(), atol=2e-6)


def test_filter_lines_is_a_convolution():
    line = np.zeros((1, 9, 1), np.float32)
    line[0, 3] = 1
    taps = np.array([1, 2, 4], np.float32)
    assert filter_lines(line, taps, 0)[0, :, 0].tolist() == [0, 0, 0, 1, 2, 4, 0, 0, 0]
    assert filter_lines(line, taps, 1)[0, :, 0].tolist() == [0, 0, 1, 2, 4, 0, 0, 0, 0]


def test_tail_falls_by_e_per_length():
    taps = tail(5.0)
    assert taps.sum() == pytest.approx(1, abs=1e-6)
    assert taps[5] / taps[0] == pytest.approx(np.exp(-1), rel=1e-5)
    assert tail(0.0).tolist() == [1]


def test_each_line_moves_by_its_own_shift():
    picture = smooth()[:4]
    moved = shift_lines(picture, np.array([0, 3, -2, 0.5], np.float32))
    assert np.array_equal(moved[0], picture[0])
    np.testing.assert_allclose(moved[1, 3:], picture[1, :-3], atol=1e-6)
    np.testing.assert_allclose(moved[2, :-2], picture[2, 2:], atol=1e-6)
    halfway = (picture[3, 9:-10] + picture[3, 10:-9]) / 2
    assert np.abs(moved[3, 10:-9] - halfway).max() < 0.02


def test_above_stays_in_the_field():
    rows = np.arange(6, dtype=np.float32).reshape(6, 1, 1)
    assert above(rows, 1).ravel().tolist() == [0, 1, 0, 1, 2, 3]
    assert above(rows, 2).ravel().tolist() == [0, 1, 0, 1, 0, 1]


def test_line_noise_is_correlated_along_the_lines_of_a_field_only():
    noise_of = np.stack([line_noise(1, "test", frame, view_of(480, 8, None, 0), 0.8) for frame in range(40)])
    assert noise_of.std() == pytest.approx(1, abs=0.05)
    field = noise_of[:, ::2]
    assert np.mean(field[:, 1:] * field[:, :-1]) == pytest.approx(0.8, abs=0.05)
    assert abs(np.mean(noise_of[:, ::2] * noise_of[:, 1::2])) < 0.05
    assert abs(np.mean(noise_of[1:] * noise_of[:-1])) < 0.05


def test_line_noise_of_a_piece_is_that_of_its_rows():
    whole = view_of(96, 720, None, 0)
    piece = type(whole)(20, 8, 31, 0, 96, 720)
    np.testing.assert_array_equal(line_noise(1, "test", 3, piece, 0.5), line_noise(1, "test", 3, whole, 0.5)[31:51])


def test_streaks_start_as_often_as_told_and_fade_to_the_right():
    rng = np.random.default_rng(1)
    alpha, draw = streaks(rng, np.float32(0.01), (200, 300), 5.0)
    starts = (alpha == 1) & (np.roll(alpha, 1, axis=1) < 1)
    assert starts.sum() / alpha.size == pytest.approx(0.01, rel=0.2)
    assert 0 <= alpha.min() <= alpha.max() == 1
    inside = (alpha > 0) & (alpha < 1) & (np.roll(alpha, -1, axis=1) < alpha)
    inside[:, -1] = False
    ratio = np.roll(alpha, -1, axis=1)[inside] / alpha[inside]
    assert np.median(ratio) == pytest.approx(np.exp(-1 / 5), rel=1e-3)
    assert np.array_equal(draw[inside], np.roll(draw, -1, axis=1)[inside])


def test_wrapped_lines_come_in_again_behind_the_blanking():
    lines = np.arange(1, 6, dtype=np.float32).reshape(1, 5, 1).repeat(3, axis=0)
    moved = wrap_lines(lines, np.array([0, 2, -7]), 2)[..., 0]
    assert moved.tolist() == [[1, 2, 3, 4, 5], [0, 0, 1, 2, 3], [1, 2, 3, 4, 5]]
