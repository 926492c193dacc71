"""The shots of a clip: where each begins, whether it has colour, and its first clear frame; by a first pass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import vapoursynth as vs

from .cache import uncached
from .first_pass import Measure, first_pass
from .frames import picture_of
from .scenes import NEXT, PREVIOUS

SMALL_WIDTH, SMALL_HEIGHT = 160, 120
"""Of the copy that is looked at: noise averages out, what is blurred or faded still shows."""
COLOURED = 0.018
"""Colourfulness of a shot from which on it has colour. Clips in colour have 0.020 to 0.12, in black and white up to
0.003, tinted and toned ones up to 0.016."""
CLEAR = 0.8
"""Of the detail that half of a shot's frames have: a frame with as much is clear."""
MEASURES = 4


class Shot(NamedTuple):
    """The frames from one cut to the next."""

    first: int
    end: int
    coloured: bool
    clear: int
    """Number of the first frame that is neither blurred nor faded, beside the others of the shot."""


def shots_of(name: str, clip: vs.VideoNode, folder: Path) -> list[Shot]:
    """Return the shots of a clip in order.

    A frame's colourfulness is what is left of the differences between its channels when what follows from brightness
    is taken off, so a tint or a tone is no colour; its detail is how much neighbouring pixels differ. For a shot the
    median of its frames counts.

    Args:
        name: the filter, for messages.
        clip: RGBS in [0, 1], cuts marked.
        folder: where the first pass is kept; see ``first_pass``, also for what it does not notice (other cuts, say).

    Raises:
        vs.Error: a frame cannot be had.

    """
    measure = Measure(name="shots", version=1, length=MEASURES, load=lambda: _rows)
    ends, starts, colourfulness, detail = first_pass(name, _measured(clip), measure, folder).T
    begins = (starts > 0) | np.append(False, ends[:-1] > 0)
    bounds = [0, *(1 + np.flatnonzero(begins[1:])).tolist(), clip.num_frames]
    return [_shot(first, end, colourfulness, detail) for first, end in pairwise(bounds)]


def of_each_frame[Value](shots: Sequence[Shot], values: Sequence[Value]) -> list[Value]:
    """Return for each frame of a clip the value of its shot."""
    return [value for shot, value in zip(shots, values, strict=True) for _ in range(shot.first, shot.end)]


def _shot(first: int, end: int, colourfulness: np.ndarray, detail: np.ndarray) -> Shot:
    coloured = bool(np.median(colourfulness[first:end]) > COLOURED)
    clear = detail[first:end] >= CLEAR * np.median(detail[first:end])
    return Shot(first, end, coloured, first + int(clear.argmax()))


def _measured(clip: vs.VideoNode) -> vs.VideoNode:
    """Return a GRAYS clip of a few samples: a cut after or before each frame, its colourfulness, its detail."""
    small = uncached.RemoveFrameProps(clip, ["_Matrix", "_FieldBased"]).resize.Bilinear(SMALL_WIDTH, SMALL_HEIGHT)
    template = uncached.BlankClip(clip, width=MEASURES, height=1, format=vs.GRAYS, keep=True)

    def measure(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame, picture = f[0].copy(), picture_of(f[1])
        cuts = (bool(f[1].props.get(key, 0)) for key in (NEXT, PREVIOUS))
        np.asarray(frame[0])[0] = [*cuts, _colourfulness(picture), _detail(picture)]
        return frame

    return uncached.ModifyFrame(template, [template, small], measure)


def _rows(pictures: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([picture[0, 0] for picture in pictures])


def _colourfulness(rgb: np.ndarray) -> float:
    """Return how far red and blue are from what their best line over green says, (3, H, W)."""
    red, green, blue = rgb.reshape(3, -1)
    terms = np.stack([np.ones_like(green), green], axis=1)
    differences = np.stack([red - green, blue - green], axis=1)
    fitted = terms @ np.linalg.lstsq(terms, differences, rcond=None)[0]
    return float(np.abs(differences - fitted).mean(0).max())


def _detail(rgb: np.ndarray) -> float:
    """Return the mean difference of neighbours in the green of a picture (3, H, W)."""
    return float(np.abs(np.diff(rgb[1], axis=0)).mean() + np.abs(np.diff(rgb[1], axis=1)).mean())
