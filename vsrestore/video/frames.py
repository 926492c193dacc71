"""Frames as arrays."""

from __future__ import annotations

import numpy as np
import vapoursynth as vs


def plane_views(frame: vs.VideoFrame) -> list[np.ndarray]:
    """Return the planes of a frame as arrays (H, W) that share its memory; read-only unless the frame is a copy."""
    return [np.asarray(frame[plane]) for plane in range(frame.format.num_planes)]


def picture_of(frame: vs.VideoFrame) -> np.ndarray:
    """Return a frame, all of whose planes have one size, as an array (C, H, W) of its own."""
    return np.stack(plane_views(frame))


def write_planes(template: vs.VideoFrame, picture: np.ndarray, limited: bool = True) -> vs.VideoFrame:
    """Return a new frame of the template's format that holds ``picture``.

    Args:
        template: a frame of the wanted format and size, whose properties the new one takes over.
        picture: (C, H, W) in the sample type of the template, float, any memory layout.
        limited: whether values are limited to [0, 1].

    """
    # Not a copy, whose planes VapourSynth would fill first with those of the template.
    frame = vs.core.create_video_frame(template.format, template.width, template.height)
    frame.props.update(template.props)
    for plane, values in enumerate(picture):
        samples = np.asarray(frame[plane])
        if limited:
            np.clip(values, 0, 1, out=samples)
        else:
            samples[:] = values
    return frame


def still(picture: np.ndarray) -> vs.VideoNode:
    """Return a picture (C, H, W) uint8, gray or RGB, as a clip of one frame."""

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        return write_planes(f, picture, limited=False)

    height, width = picture.shape[1:]
    form = vs.GRAY8 if len(picture) == 1 else vs.RGB24
    blank = vs.core.std.BlankClip(format=form, width=width, height=height, length=1)
    return blank.std.ModifyFrame(clips=blank, selector=paint)
