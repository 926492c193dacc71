"""Black that lies too high in a whole clip and white that lies too low, brought to where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Literal

import numpy as np
import vapoursynth as vs

from ..checkpoints import CheckpointError, first_pass_folder
from ..video.cache import uncached
from ..video.checks import within
from ..video.errors import fail, note, told_by
from ..video.first_pass import Measure, first_pass
from ..video.prepared import Prepared

_NAME = "levels"
LOOKED_AT = 512  # frames, spread over the clip
COLUMNS, ROWS = 160, 120  # of the copy that is measured: noise averages out
INSIDE = slice(8, -12), slice(8, -8)  # of its rows and columns: without edges and the lines where heads switch
BARS = 0.01  # rows and columns without anything brighter at the edges of a frame are no part of the picture
LEAST_PICTURE = 40  # rows and columns; a frame with fewer is dark and has no bars
ENDS = 0.5, 99.5  # per cent of a frame's pixels are darker
FRAMES = 0.1, 0.9  # of the frames have less; so a tenth has black in it, and white
USUAL_BLACK, USUAL_WHITE = 0.05, 0.9
"""Where those ends usually lie. In 22 clips that were not taped the medians are 0.06 and 0.92."""
LEAST = 0.025
"""Levels that are off by less stay as they are."""
MOST_RAISED, MOST_LOWERED = 0.1, 0.12
"""Where levels seem off by more, nothing in the clip is black, or white."""

Level = float | Literal["clip"]


def levels(clip: vs.VideoNode, *, black: Level = "clip", white: Level = "clip") -> vs.VideoNode:
    """Bring black that lies too high and white that lies too low to where they belong, alike in the whole clip.

    Captures of tape often have gray for black: NTSC's setup of 7.5 IRE left in lays it at 0.075 of the range, and a
    capture card's brightness and contrast do the like. To find such, at most 512 frames are looked at when the script
    is evaluated, once for a clip. Black is taken to lie too high where the darkest half per cent of pixels, in the
    tenth of the frames that has the darkest, is brighter than the usual 0.05 by 0.025 to 0.1; white, to lie too low
    where the brightest are darker than 0.9 by 0.025 to 0.12. One straight line moves both; VapourSynth's log says where
    they lay. Mist or a cartoon in pastels cannot be told from a capture so washed out, and comes out with more contrast
    than it had: of 22 clips of all kinds that were not taped 3 (which then differ by 26 to 32 dB), of 136 shots of
    single scenes 62. So look at the result; numbers in place of "clip" say where black and white lie.

    Args:
        clip: any constant format, progressive.
        black: what becomes black, 0 to 0.3 of the range from black to white; "clip" has it measured.
        white: what becomes white, 0.7 to 1; "clip" has it measured.

    Returns:
        The clip. Chroma is not touched.

    Raises:
        vs.Error: the clip does not fit, or a level is out of range.

    """
    for argument, level, low, high in (("black", black, 0.0, 0.3), ("white", white, 0.7, 1.0)):
        if level != "clip":
            if isinstance(level, str):
                fail(_NAME, f"{argument}={level!r}; accepted: 'clip', or a number from {low:g} to {high:g}")
            within(_NAME, argument, level, low, high)
    prepared = Prepared(_NAME, clip)
    luma = prepared.planes("luma")
    if "clip" in (black, white):
        black, white = _levels(_ends(luma), black, white)
        note(_NAME, f"black lies at {black:.3f}, white at {white:.3f}")
    if (black, white) == (0, 1):
        return prepared.source
    return prepared.finished(uncached.Expr([luma], f"x {black} - {float(white) - float(black)} / 0 max 1 min"))


def _levels(ends: tuple[float, float], black: Level, white: Level) -> tuple[float, float]:
    """Return where black and white of a clip lie whose darkest and brightest pixels lie at ``ends``."""
    dark, bright = ends
    if black == "clip":
        raised = (dark - USUAL_BLACK) / (1 - USUAL_BLACK)
        black = raised if LEAST <= raised <= MOST_RAISED else 0.0
    if white == "clip":
        lowered = 1 - black - (bright - black) / USUAL_WHITE
        white = 1 - lowered if LEAST <= lowered <= MOST_LOWERED else 1.0
    return black, white


def _ends(luma: vs.VideoNode) -> tuple[float, float]:
    """Return where the darkest and the brightest pixels of a GRAYS clip lie."""
    some = luma[:: ceil(luma.num_frames / LOOKED_AT)]
    small = uncached.RemoveFrameProps(some, ["_FieldBased"]).resize.Bilinear(COLUMNS, ROWS)
    measure = Measure(name=_NAME, version=1, length=len(ENDS), load=lambda: _measured)
    with told_by(_NAME, CheckpointError):
        darkest, brightest = first_pass(_NAME, small, measure, first_pass_folder()).T
    return float(np.quantile(darkest, FRAMES[0])), float(np.quantile(brightest, FRAMES[1]))


def _measured(pictures: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([np.percentile(_without_bars(picture[0])[INSIDE], ENDS) for picture in pictures], np.float32)


def _without_bars(luma: np.ndarray) -> np.ndarray:
    """Return a picture (H, W) without the black bars around it."""
    inside = luma
    for axis in (0, 1):
        lit = np.flatnonzero(luma.max(1 - axis) > BARS)
        if len(lit) < LEAST_PICTURE:
            return luma
        inside = inside.take(range(lit[0], lit[-1] + 1), axis)
    return inside
