"""The videos to compare, as clips of one kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import vapoursynth as vs

from vsrestore.interrupts import check, held_interrupts
from vsrestore.pipeline.packets import loss, read_packets
from vsrestore.pipeline.probe import probe
from vsrestore.pipeline.programs import index_folder
from vsrestore.video.formats import with_matrix
from vsrestore.video.frames import plane_views
from vsrestore.video.scenes import PREVIOUS, scenes

from .errors import ComparisonError


class Part(NamedTuple):
    """A part of a video, in seconds from its first frame."""

    start: float = 0.0
    end: float | None = None
    """None for the end of the video."""


WHOLE = Part()
BEFORE, AFTER, TRUTH = "before", "after", "truth"
SMALLEST = 16  # pixels
UNKNOWN_RATE = Fraction(24)


def open_clips(paths: Mapping[str, Path], part: Part = WHOLE) -> dict[str, vs.VideoNode]:
    """Return the videos as RGB24 clips; the first of them tells in ``_SceneChangePrev`` where its shots begin.

    Args:
        paths: the video files by name, the one that leads first.
        part: that is taken of each.

    Raises:
        PipelineError: a file is missing or is no video.
        FFmpegError: its name is not UTF-8.
        ComparisonError: a video cannot be decoded or ends before the part, or they differ in size or length.

    """
    clips = {name: _cut(path, rgb_clip(path), part) for name, path in paths.items()}
    (first, leader), *others = clips.items()
    for name, clip in others:
        if _extent(clip) != _extent(leader):
            raise ComparisonError(
                f"{paths[name]}: has {_extent(clip)}, {paths[first]} {_extent(leader)}; videos of one size "
                "and length are compared: resize or trim one first"
            )
    if min(leader.width, leader.height) < SMALLEST:
        raise ComparisonError(f"{paths[first]}: has {_extent(leader)}; at least {SMALLEST}x{SMALLEST} can be measured")
    return {**clips, first: scenes(leader)}


def _cut(path: Path, clip: vs.VideoNode, part: Part) -> vs.VideoNode:
    """Return the frames of a part, by the clip's mean rate."""
    if part == WHOLE:
        return clip
    rate = clip.fps or UNKNOWN_RATE
    first, last = (None if time is None else round(time * rate) for time in part)
    cut = range(clip.num_frames)[first:last]
    if not cut:
        raise ComparisonError(
            f"{path}: has {clip.num_frames / rate:.2f} s, of which none lie within the part asked for"
        )
    return clip[cut.start : cut.stop]


def rgb_clip(path: Path) -> vs.VideoNode:
    """Return a video file as an RGB24 clip; raises what :func:`opened` does."""
    return as_rgb(opened(path))


def as_rgb(clip: vs.VideoNode) -> vs.VideoNode:
    """Return a clip as RGB24."""
    return with_matrix("compare", clip).resize.Bicubic(format=vs.RGB24)


def opened(path: Path) -> vs.VideoNode:
    """Return a video file as a clip.

    Raises:
        PipelineError: the file is missing or is no video.
        FFmpegError: its name is not UTF-8.
        ComparisonError: it cannot be decoded, or its size changes on the way.

    """
    media = probe(path)
    options: dict[str, Any] = {} if media.picture.first else {"track": media.picture.index}
    if loss(media, read_packets(path)) is not None:
        options["threads"] = 1  # several threads lose the last whole frames of a file whose end is missing
    index = index_folder(path)
    options |= {"cachemode": 0} if index is None else {"cachepath": str(index)}
    try:
        clip = vs.core.bs.VideoSource(str(path.absolute()), **options)
    except vs.Error as error:
        raise ComparisonError(f"{path}: cannot be decoded ({error})") from None
    if not clip.width:
        raise ComparisonError(f"{path}: changes its size on the way; videos of one size are accepted")
    return clip


def each_frame(*clips: vs.VideoNode, close: bool = True) -> Iterator[tuple[vs.VideoFrame, ...]]:
    """Yield the frames of clips of one length together; an interrupt comes between them.

    Args:
        clips: of one length.
        close: whether frames are let go with the next.

    Raises:
        ComparisonError: a frame cannot be decoded or made.

    """
    try:
        with held_interrupts() as deliver_interrupts:
            for frames in zip(*(clip.frames(close=close) for clip in clips), strict=True):
                deliver_interrupts()
                check()
                yield frames
    except vs.Error as error:
        raise ComparisonError(f"a frame cannot be made ({error})") from None


def picture(frame: vs.VideoFrame) -> np.ndarray:
    """Return a frame as (H, W, 3) uint8."""
    return np.stack(plane_views(frame), axis=-1)


def begins_shot(frame: vs.VideoFrame) -> bool:
    """Tell whether another shot precedes this frame of the leading clip."""
    return bool(frame.props.get(PREVIOUS, 0))


def _extent(clip: vs.VideoNode) -> str:
    return f"{clip.num_frames} frames of {clip.width}x{clip.height}"
