"""A clip whose truth is known: from two files, or from a clean one that is made small and damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import vapoursynth as vs

from vsrestore.video.scenes import scenes

from .errors import ComparisonError
from .sources import UNKNOWN_RATE, as_rgb, opened

Filter = Callable[[vs.VideoNode], vs.VideoNode]


def damaged_and_truth(path: Path, truth: Path, start: float, frames: int) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Return a part of a damaged video as it is, and of the one that shows the truth as RGB24 with cuts marked.

    Args:
        path: the damaged video.
        truth: of the same frames, of any size.
        start: where the part begins, in seconds.
        frames: of the part; fewer where the videos end before.

    Raises:
        ComparisonError: a video cannot be decoded or ends before the part.
        PipelineError: a file is missing or is no video.

    """
    damaged, true = (_part(file, opened(file), start, frames) for file in (path, truth))
    return held(damaged), scenes(as_rgb(true))


def clean_and_damaged(
    path: Path, faults: Sequence[Filter], steps: Sequence[Filter], start: float, frames: int
) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Return a part of a clean video, made as small as the steps will enlarge it and damaged, and the clean one itself.

    Args:
        path: the clean video.
        faults: what damages it, in order.
        steps: what will restore it.
        start: where the part begins, in seconds.
        frames: of the part; fewer where the video ends before.

    Returns:
        The damaged clip in its own format, its frames held in memory, and the truth as RGB24 with cuts marked. The
        truth is cropped to a size that can be made small without a rest.

    Raises:
        ComparisonError: the video cannot be decoded or ends before the part, or the steps enlarge by no whole number.
        PipelineError: the file is missing or is no video.

    """
    clean = _part(path, opened(path), start, frames)
    scale = _scale(clean, steps)
    clean = _cropped(clean, scale)
    small = clean if scale == 1 else clean.resize.Bicubic(clean.width // scale, clean.height // scale)
    for fault in faults:
        small = fault(small)
    return held(small), scenes(as_rgb(clean))


def held(clip: vs.VideoNode) -> vs.VideoNode:
    """Return the clip with all its frames held in memory, so that asking for them takes no time."""
    try:
        frames = list(clip.frames())
    except vs.Error as error:
        raise ComparisonError(f"a frame cannot be made ({error})") from None
    blank = clip.std.BlankClip(keep=True)
    return blank.std.ModifyFrame(clips=blank, selector=lambda n, f: frames[n])


def _part(path: Path, clip: vs.VideoNode, start: float, frames: int) -> vs.VideoNode:
    first = round(start * (clip.fps or UNKNOWN_RATE))
    if first >= clip.num_frames:
        raise ComparisonError(f"{path}: has {clip.num_frames} frames; the part begins behind them")
    return clip[first : first + frames]


def _scale(clip: vs.VideoNode, steps: Sequence[Filter]) -> int:
    """Return how many times as large the steps make a clip."""
    result = clip
    for step in steps:
        result = step(result)
    scale, rest = divmod(result.width, clip.width)
    if rest or not scale or result.height != scale * clip.height:
        sizes = f"the steps make {result.width}x{result.height} of {clip.width}x{clip.height}"
        raise ComparisonError(f"{sizes}; give a damaged clip and its --truth where that is no whole number of times")
    return scale


def _cropped(clip: vs.VideoNode, scale: int) -> vs.VideoNode:
    across, down = scale << clip.format.subsampling_w, scale << clip.format.subsampling_h
    return clip.std.Crop(right=clip.width % across, bottom=clip.height % down)
