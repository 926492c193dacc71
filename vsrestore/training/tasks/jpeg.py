"""Small JPEGs, enlarged: what the U-Net of fastai's course, lesson 7, learns to repair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from vsrestore.damage.scaling import resized
from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe
from vsrestore.training.task import Frames, Sample

SMALL = 96  # px: the shorter side of the JPEG
QUALITIES = (10, 71)  # from, to below
MEASURED = {"jpeg 60": 60, "jpeg 20": 20}


class JpegTask:
    """Repair pictures that were small JPEGs and have been enlarged to their old size, each frame alone."""

    heads = ("clean",)
    flips = (-1, -2, 0)

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Reduce frames to a shorter side of 96 px, send them through JPEG at a random quality, enlarge them."""
        if rng.random() < data.undamaged:
            return Sample(clean, (clean,))
        return _small_jpeg(clean, int(rng.integers(*QUALITIES)))

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """A good and a bad quality."""
        return {name: partial(_small_jpeg, quality=quality) for name, quality in MEASURED.items()}


def _small_jpeg(frames: Frames, quality: int) -> Sample:
    height, width = (side - side % 2 for side in frames.shape[1:3])  # the network takes even sizes
    frames = frames[:, :height, :width]
    factor = min(SMALL / min(height, width), 1.0)
    small = np.clip(resized(frames, round(height * factor), round(width * factor), "bilinear"), 0, 1)
    large = resized(augment.compress(small, quality), height, width, "bilinear")
    return Sample(np.clip(large, 0, 1), (frames,))
