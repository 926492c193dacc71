from __future__ import annotations

import numpy as np
import pytest

from vsrestore.comparison import measures
from vsrestore.damage.canvas import view_of
from vsrestore.damage.transport import (
    Bars,
    Flicker,
    Jumps,
    Weave,
    bar_of,
    displaced,
    exponent_of,
    flicker_of,
    jump_of,
    shift_of,
    weave_frame,
)

from .pictures import smooth

VIEW = view_of(96, 128, None, 0)


def psnr(a, b):
    return measures.psnr(np.mean(np.square(a - b)))


def test_a_whole_shift_moves_the_picture_exactly():
    picture = smooth()
    moved = weave_frame(picture, (2.0, -3.0, 0.0), VIEW)
    np.testing.assert_allclose(moved[2:, :-3], picture[:-2, 3:], atol=1e-6)
    np.testing.assert_allclose(moved[:2, :-3], np.repeat(picture[:1, 3:], 2, axis=0), atol=1e-6)


def test_no_shift_is_the_identity():
    assert np.array_equal(weave_frame(smooth(), (0.0, 0.0, 0.0), VIEW), smooth())


@pytest.mark.parametrize("shift", [(0.4, -0.7, 0.0), (1.6, 0.3, 0.0008), (-0.5, 0.5, -0.0008)])
def test_the_inverse_of_the_weave_restores_the_interior(shift):
    picture = smooth()
    back = weave_frame(weave_frame(picture, shift, VIEW), tuple(-part for part in shift), VIEW)
    assert psnr(back[8:-8, 8:-8], picture[8:-8, 8:-8]) > 35
    assert psnr(weave_frame(picture, shift, VIEW)[8:-8, 8:-8], picture[8:-8, 8:-8]) < 35


def test_a_turn_turns():
    angle, picture = 0.02, np.zeros((96, 128, 1), np.float32)
    picture[48, 14:114] = 1
    turned = weave_frame(picture, (0.0, 0.0, angle), VIEW)[..., 0]
    heights = (turned * np.arange(96)[:, None]).sum(axis=0)[[24, 104]] / turned.sum(axis=0)[[24, 104]]
    assert heights[1] - heights[0] == pytest.approx(80 * angle, abs=0.1)


def test_weave_has_its_amount_and_correlation():
    view = view_of(540, 720, None, 0)
    shifts = np.array([shift_of(0, frame, Weave(amount=0.4, turn=0.02), view) for frame in range(3000)])
    assert shifts[:, 1].std() == pytest.approx(0.4, rel=0.1)
    assert shifts[:, 0].std() > 1.2 * shifts[:, 1].std()
    assert np.corrcoef(shifts[1:, 1], shifts[:-1, 1])[0, 1] == pytest.approx(0.5, abs=0.05)
    assert np.degrees(shifts[:, 2].std()) == pytest.approx(0.02, rel=0.1)


def test_flicker_has_its_amount_and_spatial_part():
    drawn = [flicker_of(0, frame, Flicker(amount=0.04, spatial=0.4), VIEW) for frame in range(800)]
    gains = np.array([gain[48, 64, 0] for gain, _ in drawn])
    assert gains.mean() == pytest.approx(1, abs=0.01)
    assert gains.std() == pytest.approx(0.04, rel=0.15)
    assert np.std([offset for _, offset in drawn]) == pytest.approx(0.01, rel=0.15)
    assert np.ptp(drawn[0][0]) > 0.005
    assert np.ptp(flicker_of(0, 0, Flicker(amount=0.04, spatial=0), VIEW)[0]) == 0


def test_a_bar_has_its_height_and_strength_and_rolls_at_its_speed():
    view, bars = view_of(540, 720, None, 0), Bars(strength=0.3, height=0.2, speed=3)
    gains = np.array([bar_of(0, frame, bars, view)[:, 0, 0] for frame in range(400)])
    assert gains.max() == pytest.approx(1.3, abs=0.001)
    assert gains.min() == 1
    assert (gains > 1).sum(axis=1) == pytest.approx(108, abs=2)
    np.testing.assert_allclose(np.roll(gains[0], 30), gains[10], atol=1e-4)
    np.testing.assert_allclose(gains[:180].mean(axis=0), 1 + 0.3 * 0.2 / 2, atol=0.005)


def test_a_beat_has_its_amplitude_and_pace():
    gains = np.array([flicker_of(1, n, Flicker(beat=0.1, pace=0.25), VIEW)[0][0, 0, 0] for n in range(80)])
    assert np.ptp(flicker_of(1, 3, Flicker(beat=0.1), VIEW)[0]) == 0
    np.testing.assert_allclose(gains[4:], gains[:-4], atol=1e-6)
    assert np.square(gains - 1).mean() == pytest.approx(0.1**2 / 2, rel=1e-3)


def test_a_displaced_picture_shows_the_frame_line_and_its_other_end():
    picture = smooth()
    moved = displaced(picture, 10.0, 0.05, VIEW)
    assert np.array_equal(moved[10:], picture[:-10])
    assert not moved[5:10].any()
    assert np.array_equal(moved[:5], picture[-5:])
    assert np.array_equal(displaced(picture, -10.0, 0.05, VIEW)[:-10], picture[10:])
    assert np.array_equal(displaced(picture, 0.2, 0.05, VIEW), picture)


def test_jumps_are_as_many_as_told_and_last_up_to_three_frames():
    offsets = np.array([jump_of(1, n, Jumps(rate=0.01, height=30), view_of(540, 720, None, 0)) for n in range(20_000)])
    starts = (offsets != 0) & (np.roll(offsets, 1) == 0)
    assert starts.sum() == pytest.approx(200, abs=45)
    assert (offsets != 0).mean() == pytest.approx(0.02, rel=0.3)
    # Now and then two jumps meet; one alone is 3 to 30 px high.
    assert (np.abs(offsets[offsets != 0]) >= 3).mean() > 0.97
    assert (np.abs(offsets) <= 30).mean() > 0.99
    assert (offsets > 0).sum() == pytest.approx((offsets < 0).sum(), rel=0.4)


def test_exposure_flickers_by_its_amount_about_an_exponent_of_one():
    logs = np.log([exponent_of(1, n, Flicker(exposure=0.1, rho=0.5)) for n in range(3000)])
    assert logs.mean() == pytest.approx(0, abs=0.01)
    assert logs.std() == pytest.approx(0.1, rel=0.08)
    assert exponent_of(1, 5, Flicker(amount=0.1)) == 1
