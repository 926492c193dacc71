"""Flicker goes; motion, fades, lightning and lamps stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.video.textures import HEIGHT, WIDTH, clip_of, pictures, texture
from vsrestore.video.smoothing import level, settled

LENGTH = 36
DRAWN = np.random.default_rng(3).normal(0, 1, (LENGTH, 4))
LEFT_TO_RIGHT = np.linspace(-1, 1, WIDTH)


def scene(n: int) -> np.ndarray:
    """A slow pan, and a bright square that crosses it."""
    picture = texture(0.7 * n)
    picture[40:80, 4 * n : 4 * n + 40] = 0.85
    return picture


def steady(clip: vs.VideoNode) -> np.ndarray:
    return pictures(vsrestore.deflicker(clip))


def decibels(shown: np.ndarray, true: np.ndarray) -> float:
    return float(10 * np.log10(1 / np.square(shown - true).mean()))


TRUE = np.stack([scene(n) for n in range(LENGTH)])[:, None]


def flickering(n: int, local: float = 0.0) -> np.ndarray:
    """Gain, offset and exposure drawn anew for every frame, and a gain that differs between left and right."""
    gain, offset, exposure, slope = DRAWN[n] * (0.05, 0.01, 0.03, local)
    picture = scene(n) ** np.exp(exposure) * (1 + gain + slope * LEFT_TO_RIGHT) + offset
    return np.clip(picture, 0, 1)


def unrest(shown: np.ndarray, true: np.ndarray) -> float:
    """How much the error of the left and of the right half changes from frame to frame."""
    halves = (shown - true).reshape(LENGTH, HEIGHT, 2, WIDTH // 2).mean((1, 3))
    return float(np.diff(halves, axis=0).std())


@pytest.mark.parametrize("fmt", [vs.GRAY8, vs.RGBS])
def test_flicker_goes(fmt: int) -> None:
    before = np.stack([flickering(n) for n in range(LENGTH)])[:, None]
    after = steady(clip_of(flickering, LENGTH, fmt))[:, :1]
    assert unrest(after, TRUE) <= 0.3 * unrest(before, TRUE)
    assert decibels(after, TRUE) >= decibels(before, TRUE) + 6


def test_flicker_that_differs_over_the_frame_goes() -> None:
    clip = clip_of(lambda n: flickering(n, 0.05), LENGTH)
    both, whole = (pictures(vsrestore.deflicker(clip, local=local)) for local in (True, False))
    assert unrest(both, TRUE) <= 0.3 * unrest(pictures(clip), TRUE)
    assert unrest(both, TRUE) <= 0.6 * unrest(whole, TRUE)


def test_what_does_not_flicker_stays() -> None:
    clip = clip_of(scene, LENGTH)
    assert decibels(steady(clip), pictures(clip)) >= 50


def test_a_dye_that_flickers_alone() -> None:
    def paint(n: int) -> np.ndarray:
        return np.stack([scene(n), scene(n) * (1 + 0.06 * DRAWN[n, 0]), scene(n)], -1)

    after = steady(clip_of(paint, LENGTH, vs.RGBS))
    assert unrest(after[:, 1:2], TRUE) <= 0.3 * 0.06 * DRAWN[:, 0].std() * TRUE.mean() * np.sqrt(2)
    assert decibels(after[:, [0, 2]], TRUE) >= 45


@pytest.mark.parametrize(
    "light",
    [
        np.linspace(1, 0.4, LENGTH),  # a fade
        np.where(np.arange(LENGTH) == 17, 1.7, 1.0),  # lightning
        np.where(np.arange(LENGTH) < 17, 0.6, 1.1),  # a lamp
    ],
)
def test_light_of_the_scene_stays(light: np.ndarray) -> None:
    clip = clip_of(lambda n: np.clip(light[n] * scene(n), 0, 1), LENGTH)
    before, after = pictures(clip), steady(clip)
    assert np.abs(after.mean((1, 2, 3)) / before.mean((1, 2, 3)) - 1).max() <= 0.02
    assert decibels(after, before) >= 42


def test_shots_know_nothing_of_each_other() -> None:
    def other(n: int) -> np.ndarray:
        return flickering(n) if n < 14 else 0.5 * texture(seed=3)

    frames = [
        [clips.picture(vsrestore.deflicker(clip_of(paint, 24, cuts=[14])).get_frame(n)) for n in (6, 13)]
        for paint in (flickering, other)
    ]
    assert frames[0] == frames[1]


@pytest.mark.parametrize("apply", [vsrestore.deflicker, vsrestore.stabilise])
def test_frames_of_the_source_are_asked_for_once(apply: Callable[[vs.VideoNode], vs.VideoNode]) -> None:
    asked: Counter[int] = Counter()

    def count(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked[n] += 1
        return f

    blank = vs.core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=120)
    counted = blank.std.ModifyFrame(clips=blank, selector=count)
    counted.std.SetVideoCache(mode=0)
    assert sum(1 for _ in apply(counted).frames(close=True)) == 120
    assert sum(asked.values()) <= 1.05 * 120


def test_strength() -> None:
    clip = clip_of(flickering, LENGTH)
    assert clips.picture(vsrestore.deflicker(clip, strength=0).get_frame(3)) == clips.picture(clip.get_frame(3))
    half, all_of_it = (pictures(vsrestore.deflicker(clip, strength=strength)) for strength in (0.5, 1))
    assert decibels(half, (all_of_it + pictures(clip)) / 2) >= 45


def test_nan_harms_its_own_pixel_alone() -> None:
    def paint(n: int) -> np.ndarray:
        picture = flickering(n)
        if n == 5:
            picture[3, 4] = np.nan
        return picture

    after = steady(clip_of(paint, 12, vs.GRAYS))
    assert np.isfinite(np.delete(after, 5, axis=0)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strength": -0.1}, "deflicker: strength=-0.1; a number from 0 to 1"),
        ({"radius": 0}, "deflicker: radius=0; a whole number of at least 1"),
        ({"limit": 0}, "deflicker: limit=0; a number from 0.05 to 1"),
    ],
)
def test_bad_input(arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.deflicker(clips.noise(), **arguments)


def test_a_parabola_is_followed_and_jitter_at_an_end_is_not() -> None:
    times, one = np.arange(-10, 1), np.ones(11)
    course = np.stack([3 + 2 * times, times**2 - 1.0], 1)
    np.testing.assert_allclose(level(times, course, one)[0], (3, -1), atol=1e-9)
    np.testing.assert_allclose(settled(times, course, one), (3, -1), atol=1e-9)
    jitter = np.random.default_rng(0).normal(0, 1, (11, 200))
    assert level(times, jitter, one)[0].std() < 0.45
    np.testing.assert_array_equal(level(times[-2:], course[-2:], one[-2:])[0], course[-2:].mean(0))


def test_a_turn_outside_the_narrow_window_does_not_matter() -> None:
    times = np.arange(-24, 25)
    course = np.maximum(times - 10, 0.0)[:, None] * 6 + np.random.default_rng(0).normal(0, 0.3, (49, 1))
    assert abs(settled(times, course, np.ones(49))[0]) < 0.5
