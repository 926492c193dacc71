"""From where to where the shot of a frame goes."""

from __future__ import annotations

from collections.abc import Sequence

import vapoursynth as vs

from .cache import keep, uncached
from .props import starts_scene
from .scenes import NEXT, PREVIOUS, shifted

FIRST, END = "vsrestore_shot_first", "vsrestore_shot_end"


def shot_extents(clip: vs.VideoNode, reach: int) -> vs.VideoNode:
    """Return a tiny clip that tells of every frame where its shot begins and ends; see :func:`shot_of`.

    Args:
        clip: with its cuts marked.
        reach: frames before and after each that are looked at: a shot that goes on further is told as far as there.

    """
    blank = uncached.BlankClip(clip, width=1, height=1, format=vs.GRAY8, keep=True)
    cuts = keep(uncached.CopyFrameProps(blank, clip, props=[PREVIOUS, NEXT]), 2 * reach + 1 + vs.core.num_threads)
    around = [shifted(cuts, offset) for offset in range(-reach, reach + 1)]

    def tell(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        extent, run = f[0].copy(), f[1:]
        first, last = reach, reach
        while first > max(reach - n, 0) and not starts_scene(run[first - 1], run[first]):
            first -= 1
        while last < min(2 * reach, reach + clip.num_frames - 1 - n) and not starts_scene(run[last], run[last + 1]):
            last += 1
        extent.props[FIRST], extent.props[END] = n - reach + first, n - reach + last + 1
        return extent

    return keep(uncached.ModifyFrame(blank, [blank, *around], tell), reach)


def shot_of(extent: vs.VideoFrame) -> range:
    """Return the numbers of the frames of a shot, as a frame of :func:`shot_extents` tells them."""
    return range(int(extent.props[FIRST]), int(extent.props[END]))


def frames_of_shot(extent: vs.VideoFrame, n: int, around: Sequence[vs.VideoFrame]) -> Sequence[vs.VideoFrame]:
    """Return those of the frames around frame n, as many before it as after, that belong to its shot.

    Args:
        extent: frame n of :func:`shot_extents`, made with the reach of ``around``.
        n: number of the frame in the middle.
        around: with it and, beyond the ends of the clip, anything.

    """
    shot, first = shot_of(extent), n - len(around) // 2
    return around[shot.start - first : shot.stop - first]
