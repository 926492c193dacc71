"""Pictures in colour after which the frames of shots are coloured: a still, frames of a clip, or painted ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

import numpy as np
import vapoursynth as vs

from ..video import checks
from ..video.errors import fail
from ..video.frames import plane_views, still
from ..video.png import read_colours
from ..video.prepared import Prepared

type Reference = str | PathLike[str] | vs.VideoNode
"""The name of a painter, the path of a PNG file, or a clip."""
Painter = Callable[[], vs.VideoNode]
"""Returns a clip painted, RGBS, as long as it is."""

# A picture whose channels nowhere differ by more is gray.
GRAY = 1.5 / 255


def pictures(name: str, clip: vs.VideoNode, reference: Reference, painters: Mapping[str, Painter]) -> vs.VideoNode:
    """Return the pictures in colour that a user means, RGBS in the size of ``clip``: one, or one for each frame.

    Those of another size are made as large as covers the clip, their shape kept, and the middle is taken.

    Args:
        name: the filter, for messages.
        clip: the clip that is to be coloured.
        reference: what the user gave.
        painters: what colours the clip itself, by name.

    Raises:
        vs.Error: the picture cannot be read, has no colour, or the clip does not fit.

    """
    if isinstance(reference, str) and reference in painters:
        return painters[reference]()
    colours = _clip_of(name, reference, painters)
    if colours.format.color_family == vs.GRAY:
        fail(name, f"reference is {colours.format.name}, which has no colour; a picture or clip in colour is accepted")
    if colours.num_frames not in (1, clip.num_frames):
        lengths = f"reference has {colours.num_frames} frames but the clip has {clip.num_frames}"
        fail(name, f"{lengths}; one frame, e.g. other[120], or as many as the clip, are accepted")
    frames = _covering(Prepared(name, colours).planes("rgb"), clip)
    if colours.num_frames == 1 and _is_gray(frames):
        fail(name, "reference has no colour; a picture or clip in colour is accepted, e.g. one that ddcolor painted")
    return frames


def _clip_of(name: str, reference: Reference, painters: Mapping[str, Painter]) -> vs.VideoNode:
    if isinstance(reference, vs.VideoNode):
        return checks.constant_clip(name, reference, "reference")
    names = ", ".join(map(repr, painters))
    accepted = f"accepted: {names}, the path of a PNG file, or a clip in colour with one frame or as many as the clip"
    if not isinstance(reference, str | PathLike):
        fail(name, f"reference is {type(reference).__name__}; {accepted}")
    if isinstance(reference, str) and Path(reference).name == reference and not Path(reference).suffix:
        fail(name, f"reference={reference!r}; {accepted}")
    return still(np.moveaxis(read_colours(name, "reference", reference), -1, 0))


def _covering(picture: vs.VideoNode, clip: vs.VideoNode) -> vs.VideoNode:
    """Return pictures in the size of ``clip``, their shape kept, what is beyond it cut off on both sides alike."""
    if (picture.width, picture.height) == (clip.width, clip.height):
        return picture
    scale = max(clip.width / picture.width, clip.height / picture.height)
    width, height = clip.width / scale, clip.height / scale
    middle = {"src_left": (picture.width - width) / 2, "src_top": (picture.height - height) / 2}
    return picture.resize.Bilinear(clip.width, clip.height, src_width=width, src_height=height, **middle)


def _is_gray(picture: vs.VideoNode) -> bool:
    with picture.get_frame(0) as frame:
        red, green, blue = plane_views(frame)
        return max(float(np.abs(plane - green).max()) for plane in (red, blue)) <= GRAY
