"""Which properties a frame carries out of a filter."""

from __future__ import annotations

from fractions import Fraction

import vapoursynth as vs

from .cache import uncached

# Properties that describe one coded or timed frame, so an invented frame must not inherit them.
OF_ONE_FRAME = ("_AbsoluteTime", "_PictType", "_Combed")


def follow(clip: vs.VideoNode, source: vs.VideoNode, rate: Fraction = Fraction(1)) -> vs.VideoNode:
    """Return ``clip`` with the properties of its source frames.

    Args:
        clip: ``rate`` times as long as ``source``; frame n lies at frame n / rate of it.
        source: the clip whose properties count.
        rate: 1, or more: the durations are divided by it, scene changes stay at the outer frames of those that stand
            for one source frame, and frames in between drop what belongs to one coded frame.

    """
    if rate == 1:
        return clip.std.CopyFrameProps(source)

    def divide(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        frame.props.clear()
        frame.props.update(f[1].props)
        _divide_duration(frame, rate)
        place = int(n / rate)
        if n and int((n - 1) / rate) == place and "_SceneChangePrev" in frame.props:
            frame.props["_SceneChangePrev"] = 0
        if int((n + 1) / rate) == place and "_SceneChangeNext" in frame.props:
            frame.props["_SceneChangeNext"] = 0
        if place != n / rate:
            for key in OF_ONE_FRAME:
                frame.props.pop(key, None)
        return frame

    return clip.std.ModifyFrame(clips=[clip, stretched(source, rate)], selector=divide)


def stretched(clip: vs.VideoNode, rate: Fraction) -> vs.VideoNode:
    """Return the clip, at its frame rate, with ``rate`` times the frames: frame n is that at n / rate or before."""
    if rate.numerator > 1:
        clip = uncached.Interleave([clip] * rate.numerator, modify_duration=False)
    return uncached.SelectEvery(clip, rate.denominator, 0, modify_duration=False) if rate.denominator > 1 else clip


def starts_scene(previous: vs.VideoFrame, frame: vs.VideoFrame) -> bool:
    """Tell whether a cut lies between two neighbouring frames: Next of the one or Prev of the other."""
    return bool(previous.props.get("_SceneChangeNext", 0) or frame.props.get("_SceneChangePrev", 0))


def _divide_duration(frame: vs.VideoFrame, rate: Fraction) -> None:
    numerator, denominator = frame.props.get("_DurationNum"), frame.props.get("_DurationDen")
    if numerator is None or not denominator:
        return
    duration = Fraction(int(numerator), int(denominator)) / rate
    frame.props["_DurationNum"], frame.props["_DurationDen"] = duration.numerator, duration.denominator
