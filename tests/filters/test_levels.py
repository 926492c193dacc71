"""Washed-out captures get their black and white back; other clips keep theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests.video.textures import HEIGHT, WIDTH, clip_of, pictures, texture

LENGTH = 12
CODE = 1 / 255


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def scene(n: int, black: float = 0.05, white: float = 0.9) -> np.ndarray:
    """A texture that moves, with something black and something white in it; in every other frame without the black."""
    picture = texture(0.7 * n)
    if n % 2:
        picture[30:60, 40:70] = black
    picture[80:110, 100:130] = white
    return picture


def captured(picture: np.ndarray, black: float, white: float) -> np.ndarray:
    return black + (white - black) * picture


@pytest.mark.parametrize(("black", "white"), [(0.06, 0.95), (0.075, 1.0), (0.0, 0.92)])
def test_a_washed_out_capture_comes_back(black: float, white: float, log: list[str]) -> None:
    clip = clip_of(lambda n: captured(scene(n), black, white), LENGTH)
    restored = pictures(vsrestore.levels(clip))[:, 0]
    truth = np.stack([scene(n) for n in range(LENGTH)])
    before, after = (np.square(frames - truth).mean() ** 0.5 for frames in (captured(truth, black, white), restored))
    assert after < 0.35 * before
    assert after < 2 * CODE
    assert any(line.startswith("levels: black lies at ") for line in log)


@pytest.mark.parametrize("bars", [(24, 0), (0, 30)], ids=["letterbox", "pillarbox"])
def test_bars_beside_a_washed_out_picture_are_no_black_of_it(bars: tuple[int, int]) -> None:
    down, across = bars

    def paint(n: int) -> np.ndarray:
        picture = np.zeros((HEIGHT, WIDTH))
        inside = slice(down, HEIGHT - down), slice(across, WIDTH - across)
        picture[inside] = captured(scene(n), 0.06, 1.0)[inside]
        return picture

    clip = clip_of(paint, LENGTH)
    before, after = pictures(clip)[0, 0], pictures(vsrestore.levels(clip))[0, 0]
    middle = before[40:100, 40:150], after[40:100, 40:150]
    assert (middle[0] - middle[1]).max() > 0.02


def pastel(n: int) -> np.ndarray:
    return 0.3 + 0.3 * scene(n)


@pytest.mark.parametrize("paint", [scene, pastel], ids=["with black and white", "without"])
def test_levels_that_cannot_be_known_or_are_right_stay(paint) -> None:
    clip = clip_of(paint, LENGTH)
    assert np.array_equal(pictures(vsrestore.levels(clip)), pictures(clip))


def test_one_line_is_for_the_whole_clip() -> None:
    """A frame without anything black is changed as those that have it."""
    clip = clip_of(lambda n: captured(scene(n), 0.06, 1.0), LENGTH, vs.GRAYS)
    before, after = pictures(clip), pictures(vsrestore.levels(clip))
    slopes = [np.polyfit(b.ravel(), a.ravel(), 1) for b, a in zip(before, after, strict=True)]
    assert np.ptp(slopes, axis=0).max() < 1e-4
    assert slopes[0][0] > 1.04


def test_numbers_say_where_black_and_white_lie() -> None:
    clip = clip_of(lambda n: captured(scene(n), 0.2, 0.8), 2, vs.GRAYS)
    restored = pictures(vsrestore.levels(clip, black=0.2, white=0.8))[:, 0]
    assert np.abs(restored - np.stack([scene(n) for n in range(2)])).max() < 1e-5


def test_chroma_stays() -> None:
    luma = clip_of(lambda n: captured(scene(n), 0.06, 0.95), 3, vs.YUV420P8)
    chroma = luma.std.Expr(["", "x 20 +", "x 30 -"])
    before, after = (clip.get_frame(1) for clip in (chroma, vsrestore.levels(chroma, black=0.06, white=0.95)))
    assert (after.format.id, after.width, after.height) == (vs.YUV420P8, WIDTH, HEIGHT)
    for plane in (1, 2):
        assert np.array_equal(np.asarray(before[plane]), np.asarray(after[plane]))
    assert not np.array_equal(np.asarray(before[0]), np.asarray(after[0]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"black": 0.4}, ["levels: black=0.4", "from 0 to 0.3"]),
        ({"white": 0.5}, ["levels: white=0.5", "from 0.7 to 1"]),
        ({"black": "auto"}, ["levels: black='auto'", "'clip', or a number from 0 to 0.3"]),
    ],
)
def test_bad_input(arguments: dict[str, object], words: Sequence[str]) -> None:
    with pytest.raises(vs.Error) as caught:
        vsrestore.levels(clip_of(scene, 1), **arguments)
    assert all(word in str(caught.value) for word in words), caught.value
