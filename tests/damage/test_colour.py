from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.colour import DyeLoss, Edges, Fading, faded, luma, toned, with_dye_loss, with_edges

from .pictures import noise


def test_luma_weighs_the_primaries_as_bt601():
    np.testing.assert_allclose(luma(np.eye(3, dtype=np.float32))[:, 0], [0.299, 0.587, 0.114])


def test_gray_has_equal_channels_and_the_luma_of_the_picture():
    frames = noise()
    gray = toned(frames, "gray")
    assert np.ptp(gray, axis=-1).max() == 0
    np.testing.assert_allclose(luma(gray), luma(frames), atol=1e-6)


def test_sepia_has_the_values_of_the_formula():
    expected = np.clip(np.array([1.07, 0.95, 0.75]) * 0.5**0.95, 0, 1)
    np.testing.assert_allclose(toned(np.full((1, 1, 1, 3), 0.5, np.float32), "sepia")[0, 0, 0], expected, rtol=1e-5)


def test_colour_and_unfaded_are_the_identity():
    frames = noise()
    assert toned(frames, "colour") is frames
    assert faded(frames, Fading()) is frames


def test_fading_has_the_values_of_the_formula():
    fading = Fading(gain=(0.9, 0.8, 0.7), lift=(0.1, 0.05, 0.0), gamma=1.2)
    result = faded(np.full((1, 1, 1, 3), 0.4, np.float32), fading)[0, 0, 0]
    np.testing.assert_allclose(result, np.array([0.1, 0.05, 0]) + np.array([0.9, 0.8, 0.7]) * 0.4**1.2, rtol=1e-5)


def test_saturation_draws_towards_the_luma():
    frames = noise()
    half = faded(frames, Fading(saturation=0.5))
    np.testing.assert_allclose(half, (frames + luma(frames)) / 2, atol=1e-6)
    assert np.ptp(faded(frames, Fading(saturation=0.0)), axis=-1).max() == pytest.approx(0, abs=1e-6)


def test_no_loss_and_no_edges_are_the_identity():
    frames = noise()
    assert with_dye_loss(frames, DyeLoss()) is frames
    assert with_edges(frames, Edges(), view_of(48, 64, None, 0)) is frames


def test_lost_dye_has_the_values_of_the_formula():
    """I = 0.5 has the density 2.2 * log10(2); 60 % of it and 0.1 more are I = 0.5^0.6 * 10^(-0.1 / 2.2)."""
    done = with_dye_loss(np.full((1, 1, 1, 3), 0.5, np.float32), DyeLoss(loss=(0.4, 0, 1), stain=(0.1, 0, 0)))[0, 0, 0]
    np.testing.assert_allclose(done, [0.5**0.6 * 10 ** (-0.1 / 2.2), 0.5, 1], rtol=1e-5)


def test_a_vignette_has_its_strength_in_the_corner_and_falls_off_with_the_fourth_power():
    view = view_of(480, 640, None, 0)
    gain = with_edges(np.ones((1, 480, 640, 3), np.float32), Edges(vignette=0.4), view)[0, ..., 0]
    assert gain[0, 0] == pytest.approx(0.6, abs=0.005)
    assert gain[240, 320] == pytest.approx(1, abs=1e-4)
    assert gain[120, 160] == pytest.approx(1 - 0.4 / 16, abs=0.002)


def test_vinegar_takes_contrast_from_the_corners_alone():
    view = view_of(48, 64, None, 0)
    black, white = (with_edges(np.full((1, 48, 64, 3), v, np.float32), Edges(vinegar=0.5), view)[0] for v in (0, 1))
    contrast = (white - black)[..., 0]
    assert contrast[24, 32] == pytest.approx(1, abs=0.01)
    assert contrast[0, 0] == pytest.approx(0.52, abs=0.03)


def test_the_rim_of_the_gate_is_black_and_round_in_the_corners():
    view = view_of(540, 720, None, 0)
    inside = with_edges(np.ones((1, 540, 720, 3), np.float32), Edges(gate=10), view)[0, ..., 0]
    assert not inside[:6].any()
    assert not inside[:, :6].any()
    assert (inside[14:-14, 60:-60] == 1).all()
    assert inside[14, 14] == 0
