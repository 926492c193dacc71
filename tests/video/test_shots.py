"""Shots: where they begin, which have colour (a tint is none), and their first clear frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.filters import seeded
from vsrestore.video.shots import Shot, of_each_frame, shots_of


@pytest.fixture
def frames() -> np.ndarray:
    """Colour, then gray that fades in, then sepia, then colour that begins with one gray frame: (T, 3, H, W)."""
    colour = seeded.noise(12, 48, 64)
    gray = colour[:, :1].repeat(3, axis=1)
    gray[4] *= 0.1
    sepia = gray * np.array([1.0, 0.8, 0.55]).reshape(3, 1, 1)
    return np.concatenate([colour[:4], gray[4:7], sepia[7:9], gray[9:10], colour[10:]]).astype(np.float32)


def test_shots_of_a_clip(frames: np.ndarray, tmp_path: Path) -> None:
    clip = seeded.as_clip(frames, cuts=(4, 7, 9))
    expected = [Shot(0, 4, True, 0), Shot(4, 7, False, 5), Shot(7, 9, False, 7), Shot(9, 12, True, 9)]
    assert shots_of("toy", clip, tmp_path) == expected
    assert of_each_frame(expected, "abcd") == list("aaaabbbccddd")


def test_a_shot_without_cuts_is_the_clip(frames: np.ndarray, tmp_path: Path) -> None:
    assert shots_of("toy", seeded.as_clip(frames[:3]), tmp_path) == [Shot(0, 3, True, 0)]
    assert shots_of("toy", seeded.as_clip(frames[:1]), tmp_path) == [Shot(0, 1, True, 0)]


def test_either_property_tells_a_cut(frames: np.ndarray, tmp_path: Path) -> None:
    clip = seeded.as_clip(frames, cuts=(4,))
    for number, key in enumerate(("_SceneChangeNext", "_SceneChangePrev")):
        (shots, *_) = zip(*shots_of("toy", clip.std.RemoveFrameProps([key]), tmp_path / str(number)), strict=True)
        assert shots == (0, 4)
