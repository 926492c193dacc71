"""How far the frames of one file are from those of another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from vsrestore import ffmpeg

from ..errors import RunError


@dataclass(frozen=True)
class Distance:
    """What lies between two encoded segments, in steps of the format's bits.

    Attributes:
        largest: difference of two samples.
        mean: of the differences of all samples.
        top: the largest sample that the format has.

    """

    largest: int
    mean: float
    top: int

    def __str__(self) -> str:
        """Return it in words."""
        return f"its frames differ by at most {self.largest} of {self.top}, by {self.mean:.2g} in the mean"


def distance(one: Path, other: Path) -> Distance:
    """Return how far two encoded segments are from each other.

    Raises:
        RunError: they cannot become one stream: their parameters differ, or the number, size or format of frames.

    """
    total, samples, largest, top = 0, 0, 0, 1
    with ffmpeg.open_media(one) as first, ffmpeg.open_media(other) as second:
        if _parameters(first) != _parameters(second):
            raise RunError("its encoder sets other parameters, so that its segments do not join the others")
        for frames in zip_longest(first.decode(video=0), second.decode(video=0)):
            if None in frames:
                raise RunError("it gives another number of frames")
            before, after = (np.asarray(frame.to_ndarray(), np.int64) for frame in frames)
            apart = np.abs(before - after)
            total, samples = total + int(apart.sum()), samples + apart.size
            largest = max(largest, int(apart.max()))
            top = 2 ** frames[0].format.components[0].bits - 1
    return Distance(largest, total / max(samples, 1), top)


def _parameters(container: Any) -> tuple[Any, ...]:
    context = container.streams.video[0].codec_context
    return context.extradata, context.width, context.height, context.pix_fmt
