"""Weave goes, pans stay, and what moves in front of the camera does not drag the picture."""

from __future__ import annotations

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.video.textures import HEIGHT, WIDTH, clip_of, pictures, texture
from vsrestore.video.block_motion import block_motions

LENGTH = 40
JITTER = np.random.default_rng(1).normal(0, 1, (LENGTH, 2))
PAN = np.outer(np.arange(LENGTH), (1.5, -0.4))
STILL = np.zeros((LENGTH, 2))


def moved(places: np.ndarray, fmt: int = vs.GRAY8) -> vs.VideoNode:
    return clip_of(lambda n: texture(*places[n]), len(places), fmt)


def displacement(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far the content of most blocks has moved right and down."""
    return np.median(block_motions(before.astype(np.float32), after.astype(np.float32)).shifts, axis=0)


def left_over(clip: vs.VideoNode, intended: np.ndarray) -> np.ndarray:
    """How far each frame stands from where it should, but for what all have in common, (N, 2)."""
    shown = pictures(clip)[:, 0]
    off = np.array([displacement(texture(*place), picture) for place, picture in zip(intended, shown, strict=True)])
    return off - off.mean(0)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.square(values).sum(1).mean()))


@pytest.mark.parametrize(("path", "fmt"), [(STILL, vs.GRAY8), (PAN, vs.YUV444P8), (STILL, vs.RGBS)])
def test_weave_goes_and_the_pan_stays(path: np.ndarray, fmt: int) -> None:
    steady = vsrestore.stabilise(moved(path + JITTER, fmt))
    assert rms(left_over(steady, path)) <= rms(JITTER - JITTER.mean(0)) / 4


def test_a_picture_that_is_steady_stays_bit_for_bit() -> None:
    clip = moved(STILL)
    assert [clips.picture(f) for f in vsrestore.stabilise(clip).frames()] == [clips.picture(f) for f in clip.frames()]


def test_a_pan_is_not_hurt() -> None:
    starting = np.cumsum(np.clip(np.arange(LENGTH) - 12, 0, 10)) * 0.3
    path = np.stack([starting, np.zeros(LENGTH)], 1)
    off = left_over(vsrestore.stabilise(moved(path)), path)
    assert rms(np.diff(off, axis=0)) <= 0.1 * rms(np.diff(path, axis=0))
    assert np.abs(left_over(vsrestore.stabilise(moved(PAN)), PAN)).max() <= 0.1


def test_a_bus_that_fills_the_picture_does_not_drag_it() -> None:
    """Two thirds of the frame, and back, at 5 pixels a frame; the background is measured where the bus never is."""

    def paint(n: int) -> np.ndarray:
        picture, right = texture(*JITTER[n], width=2 * WIDTH), 5 * (n - 10)
        bus = texture(right + JITTER[n, 0], JITTER[n, 1], seed=7, width=2 * WIDTH) * 0.6
        inside = np.zeros(2 * WIDTH, bool)
        inside[max(right - 260, 0) : max(right, 0)] = True
        inside = inside & (np.arange(HEIGHT)[:, None] >= HEIGHT // 4)
        return np.where(inside, bus, picture)

    shown = pictures(vsrestore.stabilise(clip_of(paint, LENGTH)))[:, 0, : HEIGHT // 4]
    still = texture(width=2 * WIDTH)[: HEIGHT // 4]
    off = np.array([displacement(still, picture) for picture in shown])
    assert rms(off - off.mean(0)) <= rms(JITTER - JITTER.mean(0)) / 4


def test_shots_know_nothing_of_each_other() -> None:
    first = [vsrestore.stabilise(clip_of(lambda n: texture(*JITTER[n]), 24, cuts=[14])).get_frame(n) for n in (6, 13)]

    def other(n: int) -> np.ndarray:
        return texture(*JITTER[n]) if n < 14 else texture(9 * n, seed=3)

    again = [vsrestore.stabilise(clip_of(other, 24, cuts=[14])).get_frame(n) for n in (6, 13)]
    assert [clips.picture(f) for f in first] == [clips.picture(f) for f in again]


def test_frames_that_a_transfer_repeated_stay_repeated() -> None:
    shown = np.arange(LENGTH) * 2 // 3
    places = PAN + np.random.default_rng(2).normal(0, 0.5, PAN.shape)
    steady = pictures(vsrestore.stabilise(moved(places[shown])))[:, 0]
    twice = [n for n in range(6, LENGTH - 6) if shown[n] == shown[n - 1]]
    assert max(np.abs(displacement(steady[n - 1], steady[n])).max() for n in twice) <= 0.15
    assert rms(left_over(vsrestore.stabilise(moved(places[shown])), PAN[shown])) <= rms(places - PAN) / 2


def test_chroma_goes_with_luma() -> None:
    grey = moved(STILL + JITTER)
    halved = grey.resize.Bicubic(WIDTH // 2, HEIGHT // 2)
    colour = vs.core.std.ShufflePlanes([grey, halved, halved], [0, 0, 0], vs.YUV)
    frame = vsrestore.stabilise(colour).get_frame(5)
    luma, chroma = (np.asarray(frame[plane]) / 255 for plane in (0, 1))
    small = np.asarray(vsrestore.stabilise(grey)[5].resize.Bicubic(WIDTH // 2, HEIGHT // 2).get_frame(0)[0]) / 255
    assert np.abs(displacement(small, chroma)).max() <= 0.1
    assert np.abs(displacement(texture(), luma) - displacement(texture(), texture(*JITTER[5]))).max() > 0.5


def test_strength_and_limit() -> None:
    clip = moved(STILL + JITTER)
    none = vsrestore.stabilise(clip, strength=0)
    assert clips.picture(none.get_frame(3)) == clips.picture(clip.get_frame(3))
    little = pictures(vsrestore.stabilise(clip, limit=0.25))[:, 0]
    steps = [np.abs(displacement(texture(*place), shown)).max() for place, shown in zip(JITTER, little, strict=True)]
    assert 0.15 < max(steps) <= 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strength": 1.5}, "stabilise: strength=1.5; a number from 0 to 1"),
        ({"radius": 0}, "stabilise: radius=0; a whole number of at least 1"),
        ({"limit": -1}, "stabilise: limit=-1; a number of at least 0"),
    ],
)
def test_bad_input(arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.stabilise(clips.noise(), **arguments)


@pytest.mark.parametrize("shift", [(0.37, -1.6), (-9.25, 4.5), (20.2, 0.0)])
def test_blocks_are_found_again(shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    before, after = (
        (texture(*place, width=320, height=240) + rng.normal(0, 0.02, (240, 320))).astype(np.float32)
        for place in ((0, 0), shift)
    )
    motions = block_motions(before, after)
    assert np.abs(np.median(motions.shifts, axis=0) - shift).max() <= 0.05
    assert (np.abs(motions.shifts - shift).max(1) < 0.2).mean() > 0.7


def test_what_is_flat_or_too_small_does_not_move() -> None:
    flat = np.full((96, 96), 0.5, np.float32)
    assert block_motions(flat, flat).weights.max() < 1
    assert len(block_motions(flat[:12], flat[:12]).shifts) == 0
