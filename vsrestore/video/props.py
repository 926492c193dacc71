"""What the properties of frames say, and which of them an invented frame may not carry."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import vapoursynth as vs

# Properties that describe one coded or timed frame, so an invented frame must not inherit them.
OF_ONE_FRAME = ("_AbsoluteTime", "_PictType", "_Combed")
DURATION = ("_DurationNum", "_DurationDen")
"""How long a frame is shown, in seconds."""


def duration_of(props: Mapping[str, Any]) -> Fraction | None:
    """Return how long a frame is shown, in seconds, None where its properties do not tell."""
    numerator, denominator = (int(props.get(name, 0)) for name in DURATION)
    return Fraction(numerator, denominator) if numerator > 0 < denominator else None


def starts_scene(previous: vs.VideoFrame, frame: vs.VideoFrame) -> bool:
    """Tell whether a cut lies between two neighbouring frames: Next of the one or Prev of the other."""
    return bool(previous.props.get("_SceneChangeNext", 0) or frame.props.get("_SceneChangePrev", 0))
