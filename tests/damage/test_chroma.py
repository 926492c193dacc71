from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage.canvas import view_of
from vsrestore.damage.chroma import Bandwidth, ChromaFaults, ChromaShift, chroma_noise, disturb_chroma, limit_bands
from vsrestore.damage.chroma import shift_chroma as shifted

VIEW = view_of(48, 720, None, 0)


def wave(cycles_per_px):
    """A sine along the lines in Y, U and V."""
    line = np.sin(2 * np.pi * cycles_per_px * np.arange(720, dtype=np.float32))
    return np.broadcast_to(line[None, :, None], (48, 720, 3)).astype(np.float32)


@pytest.mark.parametrize(("sigma", "megahertz"), [(5.1, 0.35), (3.6, 0.5), (1.4, 1.3)])
def test_chroma_is_3_db_down_at_its_bandwidth(sigma, megahertz):
    limited = limit_bands(wave(megahertz / 13.5), Bandwidth(chroma=sigma), VIEW)
    middle = limited[0, 100:-100]
    assert np.abs(middle[:, 1]).max() == pytest.approx(10 ** (-3 / 20), abs=0.04)
    assert np.abs(middle[:, 0]).max() == pytest.approx(1, abs=0.01)


def test_a_generation_averages_two_lines_of_a_field():
    planes = np.zeros((8, 16, 3), np.float32)
    planes[2] = 1
    copied = limit_bands(planes, Bandwidth(generations=1), view_of(8, 16, None, 0))
    assert copied[:, 0, 1].tolist() == [0, 0, 0.5, 0, 0.5, 0, 0, 0]
    assert copied[:, 0, 0].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]


def test_chroma_moves_and_luma_stays():
    planes = np.random.default_rng(1).random((48, 720, 3), dtype=np.float32)
    moved = shifted(planes, 1, 0, ChromaShift(right=4, down=2, wander=0), VIEW)
    assert np.array_equal(moved[..., 0], planes[..., 0])
    np.testing.assert_allclose(moved[2:, 4:, 1:], planes[:-2, :-4, 1:], atol=1e-6)


def test_bleed_goes_to_the_right_only():
    planes = np.zeros((2, 720, 3), np.float32)
    planes[:, 360:380] = 1
    bled = shifted(planes, 1, 0, ChromaShift(bleed=6), VIEW)[0, :, 1]
    assert not bled[:360].any()
    assert bled[383] > bled[390] > bled[400] > 0
    assert bled.sum() == pytest.approx(20, rel=1e-4)


def test_noise_has_the_told_strength_and_lies_in_the_chroma():
    gray = np.zeros((200, 720, 3), np.float32)
    noisy = disturb_chroma(gray, 1, 0, ChromaFaults(noise=0.04), view_of(200, 720, None, 0))
    assert not noisy[..., 0].any()
    assert noisy[..., 1:].std() == pytest.approx(0.04, rel=0.06)


def test_noise_is_correlated_like_chroma():
    noise = chroma_noise(1, 0, 4.5, view_of(400, 400, None, 0))[..., 0]
    assert np.mean(noise[2:] * noise[:-2]) == pytest.approx(0.3, abs=0.06)
    assert abs(np.mean(noise[1:] * noise[:-1])) < 0.06
    # The autocorrelation of a Gaussian of sigma is exp(-d^2 / 4 sigma^2).
    assert np.mean(noise[:, 4:] * noise[:, :-4]) == pytest.approx(np.exp(-16 / 81), abs=0.06)


def test_hue_turns_and_keeps_the_saturation():
    planes = np.full((48, 720, 3), 0.2, np.float32)
    turned = disturb_chroma(planes, 1, 0, ChromaFaults(hue=10), VIEW)
    angle = np.degrees(np.arctan2(turned[..., 2], turned[..., 1])) - 45
    np.testing.assert_allclose(angle, 10, atol=1e-3)
    np.testing.assert_allclose(np.hypot(turned[..., 1], turned[..., 2]), 0.2 * np.sqrt(2), rtol=1e-5)
    np.testing.assert_allclose(disturb_chroma(planes, 1, 0, ChromaFaults(saturation=0.5), VIEW)[..., 1:], 0.1)


def test_lost_colour_lasts_to_the_end_of_the_line():
    planes = np.full((48, 720, 3), 0.2, np.float32)
    lost = disturb_chroma(planes, 1, 0, ChromaFaults(loss=4), VIEW)[..., 1]
    assert (lost < 0.11).any()
    assert (lost[:, -1] == lost.min(axis=1)).all()
    assert (np.diff(lost, axis=1) <= 0).all()


def test_hanover_bars_turn_the_hue_to_either_side_in_turn():
    planes = np.full((48, 720, 3), 0.2, np.float32)
    turned = disturb_chroma(planes, 1, 0, ChromaFaults(hue=10, alternate=True), VIEW)
    angle = np.degrees(np.arctan2(turned[:, 0, 2], turned[:, 0, 1])) - 45
    np.testing.assert_allclose(angle, np.tile([10, 10, -10, -10], 12), atol=1e-3)


def test_the_colour_killer_takes_all_colour_of_whole_bands():
    view = view_of(480, 16, None, 0)
    planes = np.full((480, 16, 3), 0.2, np.float32)
    dark = np.zeros((200, 480), bool)
    for n in range(200):
        done = disturb_chroma(planes, 1, n, ChromaFaults(killer=1), view)
        assert np.array_equal(done[..., 0], planes[..., 0])
        assert np.isin(done[..., 1:], np.float32([0, 0.2])).all()
        dark[n] = done[:, 0, 1] == 0
    assert dark.any(axis=1).mean() == pytest.approx(1 - np.exp(-1), abs=0.1)
    assert dark.mean() == pytest.approx(32 / 510, rel=0.25)


def test_bands_lose_their_colour_for_some_frames_and_leave_the_luma():
    planes = np.full((240, 320, 3), 0.2, np.float32)
    view = view_of(240, 320, None, 0)
    left = []
    for frame in range(0, 400, 5):
        done = disturb_chroma(planes, 1, frame, ChromaFaults(bands=1, band_hue=0), view)
        assert np.array_equal(done[..., 0], planes[..., 0])
        assert np.ptp(done[..., 1], axis=1).max() == 0
        assert (done[..., 1] <= 0.2 + 1e-6).all()
        left.append(done[:, 0, 1].min() / 0.2)
    assert 0.2 < np.mean(np.array(left) < 0.8) < 0.95
