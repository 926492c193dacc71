"""The two fields of interlaced frames, each as a clip of its own."""

from __future__ import annotations

import vapoursynth as vs

from .cache import uncached
from .errors import fail

OF_FIELDS = ["_FieldBased", "_Field"]


def is_interlaced(clip: vs.VideoNode) -> bool:
    """Tell whether the first frame is flagged as interlaced."""
    with clip.get_frame(0) as frame:
        return bool(frame.props.get("_FieldBased", 0))


def fields_of(name: str, clip: vs.VideoNode) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Return the upper fields of a clip and the lower ones, frame by frame, no longer flagged as fields.

    Args:
        name: the filter, for messages.
        clip: of any constant format, however it is flagged.

    Raises:
        vs.Error: its lines do not make two fields.

    """
    lines = 2 << clip.format.subsampling_h
    if clip.height % lines:
        fail(name, f"the clip has {clip.height} lines; fields of {clip.format.name} need a multiple of {lines}")
    upper_first = uncached.SetFieldBased(clip, 2)
    both = uncached.RemoveFrameProps(uncached.SeparateFields(upper_first, modify_duration=False), OF_FIELDS)
    upper, lower = (uncached.SelectEvery(both, 2, place, modify_duration=False) for place in (0, 1))
    return upper, lower
