"""The videos to compare, as clips of one kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import vapoursynth as vs

from vsrestore.pipeline.packets import loss, read_packets
from vsrestore.pipeline.probe import probe
from vsrestore.pipeline.programs import cache_folder
from vsrestore.video.formats import with_matrix
from vsrestore.video.frames import plane_views
from vsrestore.video.scenes import PREVIOUS, scenes

from .errors import ComparisonError

BEFORE, AFTER, TRUTH = "before", "after", "truth"
SMALLEST = 16  # pixels


def open_clips(paths: Mapping[str, Path]) -> dict[str, vs.VideoNode]:
    """Return the videos as RGB24 clips; the first of them tells in ``_SceneChangePrev`` where its shots begin.

    Args:
        paths: the video files by name, the one that leads first.

    Raises:
        PipelineError: a file is missing or is no video.
        ComparisonError: a video cannot be decoded, or they differ in size or length.

    """
    clips = {name: rgb_clip(path) for name, path in paths.items()}
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


def rgb_clip(path: Path) -> vs.VideoNode:
    """Return a video file as an RGB24 clip.

    Raises:
        PipelineError: the file is missing or is no video.
        ComparisonError: it cannot be decoded, or its size changes on the way.

    """
    media = probe(path)
    options: dict[str, Any] = {} if media.picture.first else {"track": media.picture.index}
    if loss(media, read_packets(path)) is not None:
        options["threads"] = 1  # several threads lose the last whole frames of a file whose end is missing
    try:
        clip = vs.core.bs.VideoSource(str(path.absolute()), cachepath=str(cache_folder("index")), **options)
    except vs.Error as error:
        raise ComparisonError(f"{path}: cannot be decoded ({error})") from None
    if not clip.width:
        raise ComparisonError(f"{path}: changes its size on the way; videos of one size are accepted")
    return with_matrix("compare", clip).resize.Bicubic(format=vs.RGB24)


def picture(frame: vs.VideoFrame) -> np.ndarray:
    """Return a frame as (H, W, 3) uint8."""
    return np.stack(plane_views(frame), axis=-1)


def begins_shot(frame: vs.VideoFrame) -> bool:
    """Tell whether another shot precedes this frame of the leading clip."""
    return bool(frame.props.get(PREVIOUS, 0))


def _extent(clip: vs.VideoNode) -> str:
    return f"{clip.num_frames} frames of {clip.width}x{clip.height}"
