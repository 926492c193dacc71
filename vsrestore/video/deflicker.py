"""Brightness that flickers from frame to frame, as that of old film does, brought to rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import vapoursynth as vs

from .brightness import COLUMNS, DARK, ROWS, SURFACE, apart, differences
from .cache import keep, uncached
from .checks import whole, within
from .frames import plane_views
from .prepared import Prepared
from .scenes import shifted
from .shot_extents import frames_of_shot, shot_extents, shot_of
from .smoothing import level

_NAME = "deflicker"
# Of a sample x, with G, E and B in y, z and a. Where they are 0 the sample stays as it is.
_CORRECTED = f"x {DARK} max log z * y + exp x * a +"
_MAPS = 3
# Of the range: flicker of this size is told from what moves between two frames, if pixels differ by as much, half.
USUAL = 0.02


def deflicker(
    clip: vs.VideoNode, *, strength: float = 1.0, radius: int = 15, limit: float = 0.4, local: bool = True
) -> vs.VideoNode:
    """Take out the flicker of old film: the brightness of each frame becomes what its neighbours in the shot say.

    Small copies of a frame and of its neighbours are compared, colour by colour. Gain (which may differ smoothly over
    the frame), offset and gamma that lie between them are fitted so that what moves does not count, and what lies off
    their smooth course over time is undone. Fades and other changes that take longer than the window stay. So does
    lightning: a frame that is brighter or darker than the others by ``limit`` is taken to be lit so and left alone.
    Fire and the like, which flicker in front of the camera, stay as far as they light less than half of the picture.

    Measured with ``film_damage`` (a gain of 4 %, correlated by half from frame to frame) on two slow pans and a very
    fast one: what the mean brightness changes by from frame to frame falls to 0.06, 0.10 and 0.47, the slower part with
    it to 0.33, 0.42 and 0.60. Ten clean clips come back with 54 to 65 dB, and 46 where the camera pans very fast; in
    a twelfth, a flash of one frame that brightens it by a fifth is dimmed. A frame of 720x576 takes 11 ms of one
    thread (2.6 GHz).

    Args:
        clip: any constant format, progressive.
        strength: how much of the flicker goes, 0 to 1.
        radius: frames before and after each, at least 1, that tell how bright it should be. More takes out
            slower flicker.
        limit: part of the brightness from which a difference between two frames is no flicker, 0.05 to 1.
        local: whether flicker may differ over the frame.

    Returns:
        The clip.

    Raises:
        vs.Error: the clip does not fit, or numbers out of range.

    """
    within(_NAME, "strength", strength, 0, 1)
    whole(_NAME, "radius", radius, 1)
    within(_NAME, "limit", limit, 0.05, 1)
    # What the frames ahead are measured for runs about as far ahead again. The clip is kept so long, not its planes.
    prepared = Prepared(_NAME, clip, scene_changes=True, kept=2 * radius + 8)
    gray = prepared.source.format.color_family == vs.GRAY
    frames = keep(prepared.planes("luma" if gray else "rgb"), vs.core.num_threads)
    small = prepared.named.resize.Bilinear(COLUMNS, ROWS, format=vs.GRAYS if gray else vs.RGBS)
    small = keep(small, 2 * radius + 1 + vs.core.num_threads)
    around = [shifted(small, offset) for offset in range(-radius, radius + 1)]
    blank = uncached.BlankClip(small, height=_MAPS * ROWS, keep=True)

    def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        shot = [plane_views(x) for x in frames_of_shot(f[1], n, f[2:])]
        pictures = np.clip(np.nan_to_num(shot), 0, 1).reshape(len(shot), -1, ROWS * COLUMNS)
        terms = _correction(pictures, n - shot_of(f[1]).start, limit, local)
        for plane, values in zip(plane_views(frame), strength * terms, strict=True):
            plane[:] = _maps(values)
        return frame

    measures = uncached.ModifyFrame(blank, [blank, shot_extents(prepared.source, radius), *around], tell)
    maps = [_enlarged(measures, part, frames) for part in range(_MAPS)]
    return prepared.finished(uncached.Expr([frames, *maps], _CORRECTED))


def _correction(pictures: np.ndarray, place: int, limit: float, local: bool) -> np.ndarray:
    """Return the terms (C, TERMS) that bring picture ``place`` of some (K, C, P), of one shot, to the level of all."""
    picture = pictures[place]
    terms, errors = differences(picture, pictures, local)
    terms[place], errors[place] = 0, 0
    alike = np.square(np.maximum(1 - np.square(apart(picture, terms) / limit), 0))
    return level(np.arange(len(pictures)) - place, terms, alike / (1 + np.square(errors / USUAL)))[0]


def _maps(terms: np.ndarray) -> np.ndarray:
    """Return G, E and B at every pixel of a small picture, below each other."""
    flat = np.ones((ROWS, COLUMNS), np.float32)
    return np.concatenate([(terms[:-2] @ SURFACE).reshape(ROWS, COLUMNS), terms[-1] * flat, terms[-2] * flat])


def _enlarged(measures: vs.VideoNode, part: int, like: vs.VideoNode) -> vs.VideoNode:
    cropped = uncached.CropAbs(measures, COLUMNS, ROWS, 0, ROWS * part)
    return keep(cropped.resize.Bicubic(like.width, like.height), 0)
