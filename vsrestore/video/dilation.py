"""Masks grown by some pixels."""

from __future__ import annotations

import vapoursynth as vs

from .cache import uncached

CROSS = (0, 1, 0, 1, 1, 0, 1, 0)
"""Of the eight pixels around one, those above, to both sides, and below."""


def dilated(mask: vs.VideoNode, steps: int) -> vs.VideoNode:
    """Return a gray clip in which every pixel is the greatest of those at most ``steps`` steps along rows and columns.

    Args:
        mask: gray, at most 16 bits or GRAYS.
        steps: 0 or more.

    """
    for _ in range(steps):
        mask = uncached.Maximum(mask, coordinates=CROSS)
    return mask
