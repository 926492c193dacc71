"""What the properties of frames say, and which of them an invented frame may not carry."""

from __future__ import annotations

import vapoursynth as vs

# Properties that describe one coded or timed frame, so an invented frame must not inherit them.
OF_ONE_FRAME = ("_AbsoluteTime", "_PictType", "_Combed")


def starts_scene(previous: vs.VideoFrame, frame: vs.VideoFrame) -> bool:
    """Tell whether a cut lies between two neighbouring frames: Next of the one or Prev of the other."""
    return bool(previous.props.get("_SceneChangeNext", 0) or frame.props.get("_SceneChangePrev", 0))
