"""How many frames of a clip VapourSynth keeps.

Left to itself it keeps some twenty frames of every clip that several others take from, whether they are asked for again
or not, and where frames come in chunks it keeps in time a note of thousands that went by. The notes lie between the
frames in memory, so that the gaps which freed frames leave are never closed: memory would grow with the film.
"""

from __future__ import annotations

import vapoursynth as vs

ALWAYS, WHERE_SHARED = 1, -1
# As many as VapourSynth begins with.
SHARED = 20


def keep(clip: vs.VideoNode, frames: int) -> vs.VideoNode:
    """Have the last ``frames`` frames of a clip kept, 0 for none, and return the clip."""
    clip.std.SetVideoCache(mode=ALWAYS if frames else 0, fixedsize=1, maxsize=frames, maxhistory=0)
    return clip


def keep_shared(clip: vs.VideoNode) -> vs.VideoNode:
    """Have the last frames of a clip kept if several others take from it, and return the clip."""
    clip.std.SetVideoCache(mode=WHERE_SHARED, fixedsize=1, maxsize=SHARED, maxhistory=0)
    return clip
