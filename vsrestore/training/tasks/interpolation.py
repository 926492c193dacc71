"""Interpolation: frames of clean video that are made again from those before and after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe
from vsrestore.training.task import Frames, Sample


class InterpolationTask:
    """Make every frame from its neighbours; nothing is damaged but by compression."""

    heads = ("between",)
    flips = (-1, -2, 0)

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Send a share of the samples through JPEG, and take the colour off some."""
        if rng.random() < data.gray:
            clean = augment.gray(clean)
        seen = augment.compress(clean, int(rng.integers(80, 97))) if rng.random() < data.compressed else clean
        return Sample(seen, (clean,))

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Every frame of the clip, from both beside it."""
        return {"every frame": lambda frames: Sample(frames, (frames,))}
