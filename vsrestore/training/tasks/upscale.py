"""Upscaling: frames made smaller, often compressed, to be brought back to their size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from vsrestore.damage.compression import Codec, Compression, compressed
from vsrestore.damage.scaling import Kernel, resized
from vsrestore.training import augment
from vsrestore.training.recipe import DataRecipe, Recipe, RecipeError
from vsrestore.training.task import Frames, Sample

KERNELS: tuple[Kernel, ...] = ("bicubic", "bicubic", "bicubic", "area", "lanczos", "bilinear")
CODECS: tuple[Codec, ...] = ("h264", "h264", "h264", "h265", "mpeg2")
QUALITIES = {"h264": (18, 36), "h265": (18, 36), "mpeg2": (2, 12)}
MEASURED = {
    "plain": Compression(),
    "h264 crf 28": Compression(codec="h264", quality=28, gop=48),
    "h264 crf 20": Compression(codec="h264", quality=20, gop=48),
}


@dataclass(frozen=True)
class UpscaleTask:
    """Enlarge by ``scale``, and repair what a codec has left."""

    scale: int
    heads = ("large",)
    flips = (-1, -2, 0)

    @classmethod
    def of(cls, recipe: Recipe) -> UpscaleTask:
        """Return the task for the network of a recipe.

        Raises:
            RecipeError: the network does not enlarge.
        """
        if not isinstance(recipe.network.settings.get("scale"), int):
            raise RecipeError("network.settings: the task upscale needs a network with a scale")
        return cls(int(recipe.network.settings["scale"]))

    def damaged(self, clean: Frames, data: DataRecipe, rng: np.random.Generator) -> Sample:
        """Make frames smaller with a random kernel, and compress a share of them with a random codec."""
        small = reduced(clean, self.scale, KERNELS[rng.integers(len(KERNELS))])
        if rng.random() < data.blurred:
            small = augment.blur(small, float(rng.uniform(0.25, 0.5)))
        if rng.random() < data.compressed:
            codec = CODECS[rng.integers(len(CODECS))]
            quality = float(rng.uniform(*QUALITIES[codec]))
            small = compressed(small, 0, Compression(codec=codec, quality=quality, gop=len(small)))
        return Sample(augment.in_codes(small), (clean,))

    def cases(self) -> Mapping[str, Callable[[Frames], Sample]]:
        """Bicubic down-scaling alone and with H.264 at two rates."""
        return {name: partial(self._compressed, how=how) for name, how in MEASURED.items()}

    def _compressed(self, frames: Frames, how: Compression) -> Sample:
        height, width = (side - side % self.scale for side in frames.shape[1:3])
        frames = frames[:, :height, :width]
        return Sample(augment.in_codes(compressed(reduced(frames, self.scale), 0, how)), (frames,))


def reduced(frames: Frames, factor: int, kernel: Kernel = "bicubic") -> Frames:
    """Return frames (T, H, W, 3) with H and W multiples of ``factor``, so many times smaller."""
    height, width = frames.shape[1:3]
    return np.clip(resized(frames, height // factor, width // factor, kernel), 0, 1)
