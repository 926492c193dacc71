"""Film damage on purpose: for test clips, demonstrations and measurements with a known truth."""

from __future__ import annotations

from typing import Literal

import numpy as np
import vapoursynth as vs

from ..damage.film import PRESETS, Damaged, FilmDamage, damage_film
from ..damage.splices import frame_map
from ..video.checks import choice, whole
from ..video.frames import plane_views, write_planes
from ..video.prepared import Prepared
from ..video.reorder import reordered
from .faults import chosen

Output = Literal["damaged", "grained", "clean"]

_NAME = "film_damage"


def film_damage(
    clip: vs.VideoNode,
    *,
    seed: int = 0,
    preset: str = "film-light",
    params: FilmDamage | None = None,
    output: Output = "damaged",
) -> vs.VideoNode:
    """Damage a clip as film is damaged; frame n depends on the source's frame n and the arguments alone.

    Args:
        clip: any constant format, progressive; RGBS is clipped to [0, 1].
        seed: any whole number from 0 on; another seed gives other damage of the same kind.
        preset: "film-light" or "film-heavy"; not looked at when `params` is given.
        params: the faults in detail, see `vsrestore.damage.film.FilmDamage`. Where frames are missing at splices,
            frame n is made of the one that `vsrestore.damage.splices.frame_map` names, in the truths as well.
        output: "damaged", or one of the truths: "grained" (no damage, but the grain), "clean" (neither).

    Returns:
        The clip in the format it came in, with its frame properties.

    Raises:
        vs.Error: clip or arguments that do not fit. Parameters out of their usual range only give a warning.

    """
    prepared = Prepared(_NAME, clip)
    whole(_NAME, "seed", seed, 0)
    choice(_NAME, "output", output, ("damaged", "grained", "clean"))
    faults = chosen(_NAME, preset, params, PRESETS)
    wanted = Damaged._fields.index(output)

    def damage(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        picture = np.stack(plane_views(f), axis=-1)
        done = damage_film(picture[None], n, seed, faults)[wanted][0]
        return write_planes(f, done.transpose(2, 0, 1))

    frames = prepared.planes("rgb")
    if faults.splices.rate > 0 and faults.splices.missing:
        frames = reordered(frames, lambda n: int(frame_map(seed, n, 1, faults.splices)[0]))
    return prepared.finished(frames.std.ModifyFrame(clips=frames, selector=damage))
