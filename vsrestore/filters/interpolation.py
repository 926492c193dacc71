"""What filters have in common that make the frames between those of a clip: the frame rate, in every way to say it."""

from __future__ import annotations

from fractions import Fraction

import vapoursynth as vs

from ..runtime.apply import Stage, apply_between
from ..runtime.descriptor import Options
from ..video.checks import constant_clip
from ..video.errors import fail

Factor = int | float | Fraction
FrameRate = int | float | str | Fraction | tuple[int, int]

# Frames given / frames taken.
LEAST, MOST = Fraction(1, 8), 64
# A ratio of whole numbers with one beyond this is rounded to the nearest below: of the mean rates of uneven files.
FINEST = 10_000
# Rates of television are the next whole ones, less one part in 1001, and called by their first decimals.
NTSC, DECIMALS = Fraction(1000, 1001), 0.005


def interpolated(
    clip: vs.VideoNode,
    stage: Stage,
    options: Options,
    *,
    factor: Factor | None,
    fps: FrameRate | None,
    replace_duplicates: bool,
) -> vs.VideoNode:
    """Return ``clip`` at another frame rate, the frames between its own as a network makes them.

    Args:
        clip: any constant format, progressive.
        stage: the network, its plan a ``Pair``.
        options: device, precision, tile and scene detection.
        factor: frames given / frames taken, None where ``fps`` says it; without both 2, or 1 with duplicates replaced.
        fps: the wanted frame rate.
        replace_duplicates: whether frames that a transfer repeated are made anew.

    Raises:
        vs.Error: clip, rate or options do not fit.

    """
    name = stage.descriptor.name
    constant_clip(name, clip)
    if not isinstance(replace_duplicates, bool):
        fail(name, f"replace_duplicates={replace_duplicates!r}; True or False is accepted")
    rate = rate_of(name, clip, factor, fps) or Fraction(1 if replace_duplicates else 2)
    return apply_between(clip, stage, options, rate, skips_repeats=replace_duplicates)


def rate_of(name: str, clip: vs.VideoNode, factor: Factor | None, fps: FrameRate | None) -> Fraction | None:
    """Return frames given / frames taken, None where neither factor nor frame rate is given; raises ``vs.Error``."""
    if factor is not None and fps is not None:
        fail(name, f"factor={factor!r} and fps={fps!r} are given; one of them is accepted")
    if factor is not None:
        accepted = "a number such as 2, 2.5 or Fraction(12, 5)"
        return _checked(name, f"factor={factor!r}", _fraction(name, "factor", factor, accepted))
    if fps is None:
        return None
    accepted = 'a number such as 60 or 59.94, (60000, 1001) or "60000/1001"'
    wanted = _named_rate(fps) or _fraction(name, "fps", fps, accepted)
    if not clip.fps:
        fail(name, f"fps={fps!r} is given, but the clip has no frame rate; give factor, or set it with std.AssumeFPS")
    words = f"fps={fps!r} for a clip of {float(clip.fps):.3f} frames per second"
    return _checked(name, words, (wanted / clip.fps).limit_denominator(FINEST))


def _named_rate(fps: FrameRate) -> Fraction | None:
    """Return the rate of television that a number with decimals means: 59.94, say, is 60000/1001."""
    if not isinstance(fps, float | str):
        return None
    try:
        number = float(fps)
        whole = round(number / NTSC)
    except (ValueError, OverflowError):  # "60000/1001", and what is no number
        return None
    return whole * NTSC if not number.is_integer() and abs(number - whole * NTSC) < DECIMALS else None


def _fraction(name: str, argument: str, value: object, accepted: str) -> Fraction:
    """Return the number that a user gave, floats by their decimals."""
    parts = value if isinstance(value, tuple | list) else [str(value)]
    try:
        # Neither of True nor of inf and nan.
        return Fraction(*parts).limit_denominator(FINEST)
    except (ValueError, TypeError, ZeroDivisionError):
        fail(name, f"{argument}={value!r}; {accepted} is accepted")


def _checked(name: str, words: str, rate: Fraction) -> Fraction:
    if not LEAST <= rate <= MOST:
        few = f"{rate.numerator} frames for {rate.denominator}"
        fail(name, f"{words} means {few}; from {LEAST} to {MOST} times as many frames are accepted")
    return rate
