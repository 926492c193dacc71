from __future__ import annotations

import sys

import numpy as np
import pytest
import vapoursynth as vs
from PIL import Image

from vsrestore.comparison.crops import CROP_HEIGHT, CROP_WIDTH

SPOT = slice(100, 110), slice(300, 310)


@pytest.fixture(scope="module")
def comparison(script):
    return script("comparison")


def clip_of(pictures):
    """An RGB24 clip of arrays (H, W, 3) uint8."""
    height, width = pictures[0].shape[:2]
    blank = vs.core.std.BlankClip(width=width, height=height, format=vs.RGB24, length=len(pictures), keep=True)

    def fill(n, f):
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), pictures[n][..., plane])
        return frame

    return blank.std.ModifyFrame(blank, fill)


@pytest.fixture
def pictures():
    rng = np.random.default_rng(1)
    return [rng.integers(40, 200, (240, 400, 3), dtype=np.uint8) for _ in range(4)]


@pytest.fixture
def damaged(pictures):
    spotted = [picture.copy() for picture in pictures]
    spotted[2][SPOT] = 255
    return spotted


def test_psnr_is_taken_over_all_frames(comparison, pictures, damaged):
    squares = np.square(np.stack(damaged).astype(float) - np.stack(pictures)).mean()
    psnr, ssim = comparison.quality(clip_of(damaged), clip_of(pictures))
    assert psnr == pytest.approx(10 * np.log10(255**2 / squares), abs=0.01)
    assert 0.9 < ssim < 1


def test_equal_clips(comparison, pictures):
    assert comparison.quality(clip_of(pictures), clip_of(pictures)) == pytest.approx((100, 1))


def test_the_crop_shows_the_damage(comparison, pictures, damaged):
    clips = comparison.Clips(clip_of(damaged), clip_of(pictures), None)
    frame, top, left = comparison.worst_crop(clips, [0, 1, 2, 3])
    assert frame == 2
    assert top <= SPOT[0].start < SPOT[0].stop <= top + CROP_HEIGHT
    assert left <= SPOT[1].start < SPOT[1].stop <= left + CROP_WIDTH
    assert 0 <= top <= 240 - CROP_HEIGHT
    assert 0 <= left <= 400 - CROP_WIDTH


@pytest.mark.parametrize(("known", "columns"), [(True, 3), (False, 2)])
def test_the_picture_has_a_column_for_each_clip(comparison, pictures, damaged, known, columns):
    truth = clip_of(pictures) if known else None
    sheet = comparison.draw(comparison.Clips(clip_of(damaged), clip_of(pictures), truth))
    assert sheet.width == comparison.MARGIN + columns * (CROP_WIDTH + comparison.MARGIN)
    assert sheet.height == comparison.LABEL + 3 * (CROP_HEIGHT + comparison.MARGIN)


def test_small_and_short_clips(comparison):
    pictures = [np.full((30, 40, 3), 90, np.uint8)]
    clips = comparison.Clips(clip_of(pictures), clip_of(pictures), None)
    assert comparison.draw(clips).height == comparison.LABEL + 30 + comparison.MARGIN


def test_the_command(comparison, script, tmp_path, monkeypatch, capsys):
    script("demo_clip").write_clip(tmp_path, 0.25, 128, 96)
    files = [str(tmp_path / name) for name in ("damaged.mkv", "truth.mkv")]
    arguments = ["comparison.py", *files, "--truth", files[1], "-o", str(tmp_path / "comparison.png")]
    monkeypatch.setattr(sys, "argv", arguments)
    comparison.main()
    before, after = (line.split() for line in capsys.readouterr().out.splitlines()[1:])
    assert float(before[1]) < 40
    assert after[1:] == ["100.00", "dB", "1.0000"]
    assert Image.open(tmp_path / "comparison.png").size[0] > 300
