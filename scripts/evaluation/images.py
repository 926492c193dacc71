"""Image files as a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import vapoursynth as vs
from PIL import Image

from vsrestore.video.frames import plane_views, write_planes

from .errors import EvaluationError

LEVELS = 255


def read(path: Path) -> np.ndarray:
    """Return an image as RGB (3, H, W), uint8."""
    with Image.open(path) as image:
        return np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)


def clip_of(paths: Sequence[Path]) -> vs.VideoNode:
    """Return the images as an RGBS clip in which every frame follows the one before without a cut.

    Raises:
        EvaluationError: an image that cannot be read, or images of several sizes.

    """
    sizes = {path: _size(path) for path in paths}
    (width, height), *others = set(sizes.values())
    if others:
        raise EvaluationError(f"{paths[0].parent} holds images of {1 + len(others)} sizes; one size is needed")
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=len(paths), keep=True)
    blank = blank.std.SetFrameProps(_SceneChangePrev=0, _SceneChangeNext=0)

    def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        return write_planes(f, np.divide(read(paths[n]), LEVELS, dtype=np.float32))

    return blank.std.ModifyFrame(clips=blank, selector=paint)


def picture(frame: vs.VideoFrame) -> np.ndarray:
    """Return an RGBS frame as it would be written to a file: (H, W, 3), uint8, limited and rounded."""
    samples = np.stack(plane_views(frame), axis=-1)
    return np.rint(np.clip(samples, 0, 1) * np.float32(LEVELS)).astype(np.uint8)


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read as an image: {error}") from None
