"""Frame rates in every way that they can be said, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
import vapoursynth as vs

from tests import clips
from vsrestore.filters.interpolation import rate_of

FILM = Fraction(24000, 1001)


def clip(fps: Fraction = FILM) -> vs.VideoNode:
    return clips.noise(length=2).std.AssumeFPS(fpsnum=fps.numerator, fpsden=fps.denominator)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"factor": 2}, 2),
        ({"factor": 2.4}, Fraction(12, 5)),
        ({"factor": Fraction(5, 3)}, Fraction(5, 3)),
        ({"factor": "5/2"}, Fraction(5, 2)),
        ({"fps": 47.952}, 2),
        ({"fps": "47.952"}, 2),
        ({"fps": (48000, 1001)}, 2),
        ({"fps": "60000/1001"}, Fraction(5, 2)),
        ({"fps": 59.94}, Fraction(5, 2)),
        ({"fps": 60}, Fraction(1001, 400)),
        ({"fps": 25}, Fraction(1001, 960)),
        ({}, None),
    ],
)
def test_rates(given: dict, expected: Fraction | None) -> None:
    wishes = {"factor": None, "fps": None, **given}
    assert rate_of("toy", clip(), **wishes) == expected


def test_a_mean_rate_is_met_nearly() -> None:
    rate = rate_of("toy", clip(Fraction(2220000, 91091)), None, 60)
    assert rate is not None
    assert abs(float(rate * Fraction(2220000, 91091)) - 60) < 1e-6
    assert rate.denominator <= 10_000


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"factor": 2, "fps": 50}, "toy: factor=2 and fps=50 are given; one of them is accepted"),
        ({"factor": 0}, "factor=0 means 0 frames for 1; from 1/8 to 64 times as many frames are accepted"),
        ({"factor": -2}, "from 1/8 to 64"),
        ({"factor": 65}, "from 1/8 to 64"),
        ({"factor": True}, "factor=True; a number such as 2, 2.5"),
        ({"factor": float("nan")}, "factor=nan; a number"),
        ({"factor": float("inf")}, "factor=inf; a number"),
        ({"factor": "two"}, "factor='two'; a number"),
        ({"fps": (60, 0)}, r"fps=\(60, 0\); a number such as 60 or 59.94"),
        ({"fps": (60, 1, 1)}, r"fps=\(60, 1, 1\); a number"),
        ({"fps": 1}, "fps=1 for a clip of 23.976 frames per second means"),
        ({"fps": [None, 2]}, "a number such as 60"),
    ],
)
def test_bad_rates(given: dict, message: str) -> None:
    wishes = {"factor": None, "fps": None, **given}
    with pytest.raises(vs.Error, match=message):
        rate_of("toy", clip(), **wishes)


def test_a_clip_without_a_rate() -> None:
    joined = clip() + clip(Fraction(25))
    with pytest.raises(vs.Error, match="fps=50 is given, but the clip has no frame rate; give factor, or set it with"):
        rate_of("toy", joined, None, 50)
    assert rate_of("toy", joined, 2, None) == 2
