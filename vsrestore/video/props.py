"""Which properties a frame carries out of a filter."""

from __future__ import annotations

from fractions import Fraction

import vapoursynth as vs

# Properties that describe one coded or timed frame, so an invented frame must not inherit them.
OF_ONE_FRAME = ("_AbsoluteTime", "_PictType", "_Combed")


def follow(clip: vs.VideoNode, source: vs.VideoNode, factor: int) -> vs.VideoNode:
    """Return ``clip`` with the properties of its source frames.

    Args:
        clip: ``factor`` times as long as ``source``.
        source: the clip whose properties count.
        factor: 1, or how many frames stand for each source frame; the durations are divided by it, scene changes stay
            at the outer frames and invented frames drop what belongs to one coded frame.

    """
    if factor == 1:
        return clip.std.CopyFrameProps(source)

    def divide(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        frame.props.clear()
        frame.props.update(f[1].props)
        _divide_duration(frame, factor)
        position = n % factor
        if position and "_SceneChangePrev" in frame.props:
            frame.props["_SceneChangePrev"] = 0
        if position < factor - 1 and "_SceneChangeNext" in frame.props:
            frame.props["_SceneChangeNext"] = 0
        if position:
            for key in OF_ONE_FRAME:
                frame.props.pop(key, None)
        return frame

    return clip.std.ModifyFrame(clips=[clip, stretched(source, factor)], selector=divide)


def stretched(clip: vs.VideoNode, factor: int) -> vs.VideoNode:
    """Return the clip with every frame ``factor`` times, at the same frame rate."""
    if factor == 1:
        return clip
    return vs.core.std.Interleave([clip] * factor, modify_duration=False)


def starts_scene(previous: vs.VideoFrame, frame: vs.VideoFrame) -> bool:
    """Tell whether a cut lies between two neighbouring frames: Next of the one or Prev of the other."""
    return bool(previous.props.get("_SceneChangeNext", 0) or frame.props.get("_SceneChangePrev", 0))


def _divide_duration(frame: vs.VideoFrame, factor: int) -> None:
    numerator, denominator = frame.props.get("_DurationNum"), frame.props.get("_DurationDen")
    if numerator is None or not denominator:
        return
    duration = Fraction(int(numerator), int(denominator)) / factor
    frame.props["_DurationNum"], frame.props["_DurationDen"] = duration.numerator, duration.denominator
