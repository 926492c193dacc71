"""Where the filter film repairs a clip, as a mask."""

from __future__ import annotations

import vapoursynth as vs

from ..runtime.descriptor import Options, Precision
from ..video.checks import within
from .checkpoint import Model
from .film_stages import Repair


def film_mask(
    clip: vs.VideoNode,
    *,
    threshold: float = 0.03,
    stains: bool = False,
    scratches: bool = False,
    marks: bool = False,
    model: Model = "film",
    device: str | None = None,
    precision: Precision | None = None,
    tile: int | None = None,
    scene_changes: bool = True,
) -> vs.VideoNode:
    """Show where ``film`` repairs a clip: what it changes while the grain is left, as a mask.

    Look at it before a long run; or use it to take the repair in some places only
    (``core.std.MaskedMerge(clip, film(clip), mask)``), or to have another filter fill them.

    Args:
        clip: any constant format, progressive; colour or gray.
        threshold: by how much red, green or blue must change for a pixel to be marked, of the range 0 to 1.
        stains: as for ``film``, like all that follow.
        scratches: as for ``film``.
        marks: as for ``film``.
        model: as for ``film``.
        device: as for ``film``.
        precision: as for ``film``.
        tile: as for ``film``.
        scene_changes: as for ``film``.

    Returns:
        GRAY8, 255 where the clip is repaired and 0 elsewhere, with its size, length and rate.

    Raises:
        vs.Error: clip, weights, device or numbers that do not fit.

    """
    within("film_mask", "threshold", threshold, 0.001, 1)
    options = Options(device=device, precision=precision, tile=tile, scene_changes=scene_changes)
    repair = Repair(
        name="film_mask", grain=0.0, stains=stains, scratches=scratches, marks=marks, model=model, options=options
    )
    prepared, after = repair.of(clip)
    before = prepared.planes("rgb")
    planes = [each.std.ShufflePlanes(plane, vs.GRAY) for plane in range(3) for each in (before, after)]
    largest = planes[0].std.BlankClip(keep=True)
    for one, other in zip(planes[::2], planes[1::2], strict=True):
        largest = vs.core.std.Expr([one, other, largest], "x y - abs z max")
    mask = largest.std.Binarize(float(threshold), v0=0.0, v1=1.0).std.RemoveFrameProps("_Matrix")
    return mask.resize.Point(format=vs.GRAY8, range=vs.RANGE_FULL, range_in=vs.RANGE_FULL)
